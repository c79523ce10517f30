-- What two devices of the clinic compare on the LAN (docs/sync.md).

-- The prefix trees of both sets: how many ids begin so, and their sum. `of`: 0 consents, 1 changes. Prefixes of two and
-- of four half-bytes only; the others are sums of these.
CREATE TABLE buckets (
    of     INTEGER NOT NULL,
    prefix INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    sum    BLOB NOT NULL,
    PRIMARY KEY (of, prefix)
) STRICT, WITHOUT ROWID;

-- Grants and revocations under the names that peers give them, in the order in which they came. `kind` as in `outbox`.
CREATE TABLE consent_names (
    arrival  INTEGER PRIMARY KEY AUTOINCREMENT,
    name     BLOB NOT NULL UNIQUE,
    kind     INTEGER NOT NULL,
    source   BLOB NOT NULL,
    grant_id BLOB NOT NULL
) STRICT;
