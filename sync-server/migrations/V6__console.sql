-- The operator's console: who may sign in, what was done there, which clinics are not served, and how the relay has been.

-- Clinics that are not served: suspended (1), or removed (2). Of a removed one this row stays for ever; `gone_ms` says when
-- the last of its data was gone.
CREATE TABLE standing (
    tenant   BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    state    INTEGER NOT NULL CHECK (state IN (1, 2)),
    since_ms INTEGER NOT NULL,
    why      TEXT NOT NULL,
    gone_ms  INTEGER
) STRICT, WITHOUT ROWID;

-- When each device was here last, to the minute, and up to where it had the clinic's changes.
CREATE TABLE seen (
    tenant  BLOB NOT NULL CHECK (length(tenant) = 32),
    device  BLOB NOT NULL CHECK (length(device) = 32),
    at_ms   INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;

-- `password` (Argon2id) and `totp` are NULL until the link was used; both are sealed under a key made from relay.key.
-- `totp_step`: the step of the last code that was taken; no code of it or of one before is taken again.
CREATE TABLE operator (
    id        BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name      TEXT NOT NULL UNIQUE,
    made_ms   INTEGER NOT NULL,
    password  BLOB,
    totp      BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One hash-chained list of what operators did, and of who tried to be one.
CREATE TABLE operator_audit (
    number   INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    operator TEXT NOT NULL,
    act      TEXT NOT NULL,
    about    TEXT NOT NULL,
    result   TEXT NOT NULL,
    chain    BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;

-- Recovery codes, as hashes; each is good once.
CREATE TABLE operator_code (
    operator BLOB NOT NULL REFERENCES operator ON DELETE CASCADE,
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    used_ms  INTEGER,
    PRIMARY KEY (operator, hash)
) STRICT;

-- Links by which an operator sets password and second factor, as hashes.
CREATE TABLE operator_link (
    hash       BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    operator   BLOB NOT NULL REFERENCES operator ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) STRICT;

-- Who is signed in, as hashes. `exported`: the clinic whose data was last exported in it, whole.
CREATE TABLE operator_session (
    hash     BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    operator BLOB NOT NULL REFERENCES operator ON DELETE CASCADE,
    made_ms  INTEGER NOT NULL,
    seen_ms  INTEGER NOT NULL,
    exported INTEGER
) STRICT;

-- Tries to sign in that failed, by the hash of a name or of an address.
CREATE TABLE operator_try (
    who      BLOB PRIMARY KEY NOT NULL CHECK (length(who) = 32),
    n_failed INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How the relay has been: of each node each minute (span 0; two days are kept) and each hour (span 1; 400 days).
CREATE TABLE sample (
    span        INTEGER NOT NULL CHECK (span IN (0, 1)),
    at          INTEGER NOT NULL, -- minutes or hours since 1970, UTC
    node        INTEGER NOT NULL,
    n_minutes   INTEGER NOT NULL, -- of this span in which the node ran
    connections INTEGER NOT NULL, -- the most
    members     INTEGER NOT NULL, -- the most
    changes     INTEGER NOT NULL, -- received
    refused     INTEGER NOT NULL, -- connections
    limited     INTEGER NOT NULL, -- what had to wait or was turned away
    queue       INTEGER NOT NULL, -- jobs that waited for the store, the most
    PRIMARY KEY (span, at, node)
) STRICT, WITHOUT ROWID;

-- Where the console is, as the last `serve` knew it, for the links that the command line prints.
ALTER TABLE relay ADD COLUMN console_url TEXT;
-- When `medieco-relay backup` last copied it, whole.
ALTER TABLE relay ADD COLUMN backup_ms INTEGER;
