-- Messages to and from other clinics, and the relay's directory, as this device has them. What a person wrote or read is in
-- the set besides, as a fact.

-- Written on this device and not known to be with its receiver. `waits`: the relay is to be told. `refused`: it takes it
-- never, and why.
CREATE TABLE mail_out (
    place   INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    sealed  BLOB NOT NULL,
    waits   INTEGER NOT NULL DEFAULT 1 CHECK (waits IN (0, 1)),
    refused TEXT
) STRICT;

-- What the relay says became of the clinic's own messages, of whichever device (0 waits there, 1 with the receiver, 2 read
-- there, 3 expired, more of a newer relay).
CREATE TABLE mail_states (
    id    BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    state INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What came. `content` once it was opened; `sealed` as long as it may still be; `put_aside`: why it was not opened.
-- `doubt`: it was opened, and something is to be said of who signed it. `tell_read`: the relay is to be told.
CREATE TABLE mail_in (
    arrival    INTEGER PRIMARY KEY,
    sender     BLOB NOT NULL CHECK (length(sender) = 32),
    id         BLOB NOT NULL CHECK (length(id) = 16),
    came_ms    INTEGER NOT NULL,
    kind       INTEGER,
    written_ms INTEGER,
    content    BLOB,
    sealed     BLOB,
    put_aside  TEXT,
    doubt      TEXT,
    tell_read  INTEGER NOT NULL DEFAULT 0 CHECK (tell_read IN (0, 1)),
    UNIQUE (sender, id)
) STRICT;
CREATE INDEX mail_in_put_aside ON mail_in (arrival) WHERE put_aside IS NOT NULL AND sealed IS NOT NULL;
CREATE INDEX mail_in_to_tell ON mail_in (arrival) WHERE tell_read = 1;

-- Each clinic's newest card, withdrawals too.
CREATE TABLE directory (
    tenant  BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    number  INTEGER NOT NULL,
    came_ms INTEGER NOT NULL,
    card    BLOB NOT NULL
) STRICT;

-- The clinic's own card that was signed on this device last.
CREATE TABLE own_card (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number   INTEGER NOT NULL,
    card     BLOB NOT NULL,
    waits    INTEGER NOT NULL DEFAULT 1 CHECK (waits IN (0, 1)),
    refused  TEXT
) STRICT;

-- How far each list of the relay's is here, in which life of its data.
CREATE TABLE mail_cursors (
    incarnation BLOB PRIMARY KEY NOT NULL CHECK (length(incarnation) = 16),
    inbox       INTEGER NOT NULL DEFAULT 0,
    states      INTEGER NOT NULL DEFAULT 0,
    directory   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
