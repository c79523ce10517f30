-- Messages between clinics, which the relay cannot read, and the directory, which everybody reads.

-- A message, by its sender and the id that this one gave it. `position`: in what came for the receiver, whoever that is: a
-- clinic that is not known here is not told apart. `state`: 0 waits, 1 a device of the receiver has it, 2 read there,
-- 3 expired; `state_at`: where in what the sender is told. `bytes` is NULL once its time is over.
CREATE TABLE mail (
    sender    BLOB NOT NULL CHECK (length(sender) = 32),
    id        BLOB NOT NULL CHECK (length(id) = 16),
    recipient BLOB NOT NULL CHECK (length(recipient) = 32),
    position  INTEGER NOT NULL,
    state     INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3)),
    state_at  INTEGER NOT NULL,
    state_ms  INTEGER NOT NULL,
    stored_ms INTEGER NOT NULL,
    bytes     BLOB,
    PRIMARY KEY (sender, id)
) STRICT;
CREATE INDEX mail_inbox ON mail (recipient, position);
CREATE INDEX mail_states ON mail (sender, state_at);
CREATE INDEX mail_waiting ON mail (recipient, sender) WHERE state = 0;
CREATE INDEX mail_of_the_hour ON mail (sender, stored_ms);
CREATE INDEX mail_by_age ON mail (stored_ms);

-- The last position of each of a clinic's two lists, and how many messages wait for it. Locked from the first position
-- that a transaction takes to its end.
CREATE TABLE mail_head (
    tenant  BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    inbox   INTEGER NOT NULL DEFAULT 0,
    states  INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Each clinic's newest card, a withdrawal too: an older one does not come back.
CREATE TABLE directory (
    tenant       BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    number       INTEGER NOT NULL,
    position     INTEGER NOT NULL UNIQUE,
    published_ms INTEGER NOT NULL,
    bytes        BLOB NOT NULL
) STRICT;

-- The last position of the directory.
ALTER TABLE relay ADD COLUMN directory INTEGER NOT NULL DEFAULT 0;
