-- Attachments of other devices.

-- Whether it came from elsewhere: what was recorded here was not.
ALTER TABLE chunks ADD COLUMN fetched INTEGER NOT NULL DEFAULT 0;
-- 0: the relay is not known to have it. 1: it has it. 2: it does not take it, or its file is not what it was.
ALTER TABLE chunks ADD COLUMN at_relay INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunks_to_offer ON chunks (attachment, place) WHERE at_relay = 0;

-- Recordings of which the sound is to be fetched, the first first. A row goes when all is here, or nobody wants it any more.
CREATE TABLE recordings_wanted (
    place     INTEGER PRIMARY KEY,
    recording BLOB NOT NULL UNIQUE
) STRICT;

-- Erased attachments of which the relay is still to be told.
CREATE TABLE attachments_to_forget (
    attachment BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
