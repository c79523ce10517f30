-- The relay's whole store: what it cannot read, and the little that it must.
-- Ids and hashes are BLOBs of fixed length; times are milliseconds since 1970, UTC.

-- The life of this relay's data, and how clinics reach it (for invitations).
CREATE TABLE relay (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    incarnation BLOB NOT NULL CHECK (length(incarnation) = 16),
    url         TEXT,
    key_sha256  BLOB CHECK (length(key_sha256) = 32)
) STRICT;

-- The operator's list. The name is the operator's own word for the clinic and never leaves this machine.
CREATE TABLE clinic (
    number    INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    made_ms   INTEGER NOT NULL,
    tenant    BLOB UNIQUE CHECK (length(tenant) = 32),
    joined_ms INTEGER
) STRICT;

CREATE TABLE invitation (
    token_hash  BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    clinic      INTEGER NOT NULL REFERENCES clinic,
    made_ms     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER,
    replaced_ms INTEGER
) STRICT;

CREATE TABLE statement (
    tenant BLOB NOT NULL CHECK (length(tenant) = 32),
    hash   BLOB NOT NULL CHECK (length(hash) = 32),
    bytes  BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT;

-- The last position of each feed; moved in the transaction that inserts, so that positions become visible in order.
CREATE TABLE head (
    tenant   BLOB NOT NULL CHECK (length(tenant) = 32),
    feed     INTEGER NOT NULL CHECK (feed IN (0, 1, 2)), -- changes, consents, audit
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, feed)
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
    tenant   BLOB NOT NULL CHECK (length(tenant) = 32),
    position INTEGER NOT NULL,
    id       BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    bytes    BLOB NOT NULL,
    PRIMARY KEY (tenant, position)
) STRICT;

-- The word `grant` belongs to SQL.
CREATE TABLE given (
    id        BLOB PRIMARY KEY CHECK (length(id) = 16),
    source    BLOB NOT NULL CHECK (length(source) = 32),
    recipient BLOB NOT NULL CHECK (length(recipient) = 32),
    releases  INTEGER NOT NULL DEFAULT 0, -- the last position of its releases
    bytes     BLOB NOT NULL
) STRICT;
CREATE INDEX given_to ON given (recipient);

-- Kept for ever, also before (or without) its grant. Keyed by source too: nobody revokes another's grant.
CREATE TABLE revocation (
    source BLOB NOT NULL CHECK (length(source) = 32),
    id     BLOB NOT NULL CHECK (length(id) = 16), -- of the grant
    bytes  BLOB NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;

-- Grants (kind 0) and revocations (kind 1) as each clinic that they name gets them.
CREATE TABLE consent (
    tenant   BLOB NOT NULL CHECK (length(tenant) = 32),
    position INTEGER NOT NULL,
    kind     INTEGER NOT NULL CHECK (kind IN (0, 1)),
    source   BLOB NOT NULL CHECK (length(source) = 32),
    id       BLOB NOT NULL CHECK (length(id) = 16),
    PRIMARY KEY (tenant, position)
) STRICT, WITHOUT ROWID;

-- `bytes` is NULL once superseded or revoked: the id stays, so that a late repetition brings nothing back.
CREATE TABLE release (
    id     BLOB PRIMARY KEY CHECK (length(id) = 16),
    source BLOB NOT NULL CHECK (length(source) = 32),
    bytes  BLOB
) STRICT;

CREATE TABLE release_for (
    grant_id   BLOB NOT NULL CHECK (length(grant_id) = 16),
    position   INTEGER NOT NULL,
    release_id BLOB NOT NULL REFERENCES release,
    PRIMARY KEY (grant_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_for_release ON release_for (release_id);

-- One hash-chained list per clinic.
CREATE TABLE audit (
    tenant BLOB NOT NULL CHECK (length(tenant) = 32),
    number INTEGER NOT NULL,
    line   BLOB NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT;
