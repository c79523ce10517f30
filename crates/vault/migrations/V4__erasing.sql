-- What erasing leaves to be done, and what came without its body for a reason that is not known here.

-- Header, hash and signature of changes that came without a body and that no erasure here names. They are no members of
-- the set: whoever has the body still gives it. An erasure that names them makes them members.
CREATE TABLE headers (
    id       BLOB PRIMARY KEY NOT NULL,
    document BLOB NOT NULL,
    sealed   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX headers_of_document ON headers (document);

-- Attachments that are erased and whose files are still to be taken away.
CREATE TABLE files_to_erase (
    attachment BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
