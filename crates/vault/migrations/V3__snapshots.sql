-- Snapshots: whole states of documents, and what they cover (docs/vault.md, "Snapshots").

-- NULL: live. Otherwise the snapshot whose history holds it; it is then in no tree, and goes after thirty days.
ALTER TABLE changes ADD COLUMN covered_by BLOB;
-- Since when, by this machine's clock; NULL until housekeeping has seen it.
ALTER TABLE changes ADD COLUMN covered_ms INTEGER;
CREATE INDEX changes_covered ON changes (covered_ms) WHERE covered_by IS NOT NULL;

-- What was read of a snapshot that is here. `heads`: 32 bytes each. `in_force`: its document is made from it.
-- `tainted`: it lists what a removed device wrote beyond its end.
CREATE TABLE snapshots (
    id        BLOB PRIMARY KEY NOT NULL,
    document  BLOB NOT NULL,
    path      TEXT NOT NULL,
    device    BLOB NOT NULL,
    heads     BLOB NOT NULL,
    n_changes INTEGER NOT NULL,
    in_force  INTEGER NOT NULL,
    tainted   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshots_of_document ON snapshots (document);

-- The numbers of sealed changes that a snapshot holds, as ranges; `last` is the highest.
CREATE TABLE snapshot_numbers (
    device   BLOB NOT NULL,
    opening  BLOB NOT NULL,
    snapshot BLOB NOT NULL,
    last     INTEGER NOT NULL,
    numbers  BLOB NOT NULL,
    PRIMARY KEY (device, opening, snapshot)
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshot_numbers_of_snapshot ON snapshot_numbers (snapshot);

-- Who says that a snapshot is what its own changes make: `change` is the sealed change that says so.
CREATE TABLE confirmations (
    snapshot BLOB NOT NULL,
    change   BLOB NOT NULL,
    PRIMARY KEY (snapshot, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmations_by_change ON confirmations (change);

-- Snapshots under which something was thrown away here: without them it would be lost.
CREATE TABLE snapshots_relied_on (
    id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
