-- What cannot be made again: the set of sealed changes, statements, consents, releases, and what is this machine's own.
-- What can be made again is in src/projections.sql and has no migrations.

-- Single values of the store: its tenant, its count of commits, the fingerprint of the projections.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE statements (
    id       BLOB NOT NULL,
    tenant   BLOB NOT NULL,
    bytes    BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- The set. `verdict` is this device's own: 0 applied, 1 waits for a parent, 2 quarantined (with a reason), 3 not judged
-- yet, which no commit leaves behind.
-- `am_hash` and `am_seq` are Automerge's, known once the change was opened.
CREATE TABLE changes (
    arrival  INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    document BLOB NOT NULL,
    device   BLOB NOT NULL,
    opening  BLOB NOT NULL,
    number   INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    verdict  INTEGER NOT NULL,
    reason   TEXT,
    am_hash  BLOB,
    am_seq   INTEGER,
    sealed   BLOB NOT NULL
) STRICT;
CREATE INDEX changes_of_document ON changes (document, device, opening, am_seq);
CREATE INDEX changes_of_opening ON changes (device, opening, number);
CREATE INDEX changes_in_doubt ON changes (verdict) WHERE verdict > 0;

-- What the relay does not have yet, in the order of writing. `kind`: 0 change, 1 grant, 2 revocation, 3 release.
CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind  INTEGER NOT NULL,
    id    BLOB NOT NULL,
    UNIQUE (kind, id)
) STRICT;

-- What the relay will never take, with its reason.
CREATE TABLE refused (
    kind   INTEGER NOT NULL,
    id     BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- `scope`: 0 changes, 1 consents, 2 audit, 3 releases of `grant_id` (empty for the others).
CREATE TABLE cursors (
    incarnation BLOB NOT NULL,
    scope       INTEGER NOT NULL,
    grant_id    BLOB NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (incarnation, scope, grant_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    id        BLOB PRIMARY KEY NOT NULL,
    source    BLOB NOT NULL,
    recipient BLOB NOT NULL,
    until_ms  INTEGER NOT NULL,
    erase_ms  INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    verified  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept for ever, even before and without its grant.
-- Named by its source too: a stranger could sign a revocation of a foreign grant's id in its own name.
CREATE TABLE revocations (
    grant_id BLOB NOT NULL,
    source   BLOB NOT NULL,
    at_ms    INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    verified INTEGER NOT NULL,
    PRIMARY KEY (grant_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases_made (
    id       BLOB PRIMARY KEY NOT NULL,
    patient  BLOB NOT NULL,
    as_of_ms INTEGER NOT NULL,
    bytes    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX releases_made_of_patient ON releases_made (patient);

-- Received under one grant, still sealed for this clinic; gone with the grant.
CREATE TABLE releases_received (
    grant_id   BLOB NOT NULL,
    id         BLOB NOT NULL,
    document   BLOB NOT NULL,
    supersedes BLOB,
    as_of_ms   INTEGER NOT NULL,
    bytes      BLOB NOT NULL,
    verified   INTEGER NOT NULL,
    PRIMARY KEY (grant_id, id)
) STRICT, WITHOUT ROWID;

-- The relay's chain of audit lines that concern this clinic. `holds` = 0: it does not follow from the line before.
CREATE TABLE relay_audit (
    number INTEGER PRIMARY KEY,
    bytes  BLOB NOT NULL,
    holds  INTEGER NOT NULL
) STRICT;

-- Settings of this machine; not synced.
CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last number handed out under a name (`token/2026-11-21`, `prescription`).
CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE print_jobs (
    id         BLOB PRIMARY KEY NOT NULL,
    printer    TEXT NOT NULL,
    what       TEXT NOT NULL,
    bytes      BLOB NOT NULL,
    visit      BLOB,
    dispensing BLOB,
    copy       INTEGER NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX print_jobs_by_time ON print_jobs (made_ms);

-- Chunks of attachments that are in files here; the manifest that all devices share is in the document.
CREATE TABLE chunks (
    attachment BLOB NOT NULL,
    place      INTEGER NOT NULL,
    file       BLOB NOT NULL,
    n_bytes    INTEGER NOT NULL,
    millis     INTEGER NOT NULL,
    PRIMARY KEY (attachment, place)
) STRICT, WITHOUT ROWID;
