-- What is known of the relay in each life of its data: the key that signs its receipts, the newest receipt, and how it was
-- found out, if it was.
CREATE TABLE relay_lives (
    incarnation BLOB PRIMARY KEY NOT NULL,
    key         BLOB,
    receipt     BLOB,
    lie         TEXT
) STRICT, WITHOUT ROWID;

-- The running hash of a feed up to the cursor; NULL when it is not known.
ALTER TABLE cursors ADD COLUMN chain BLOB;
