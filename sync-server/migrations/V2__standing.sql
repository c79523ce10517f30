-- What a relay says of itself, and what clinics say of their changes.

-- A running hash of the ids of each feed up to and including this position (`sync_protocol::follow`); receipts hold it.
-- NULL only in what an older build wrote, until this one has opened the store.
ALTER TABLE change ADD COLUMN chain BLOB;
ALTER TABLE consent ADD COLUMN chain BLOB;

-- Covered by a snapshot since then: no longer given to whoever has not passed it; its body goes later, its id stays.
ALTER TABLE change ADD COLUMN covered_ms INTEGER;
-- Erased since then: its body is gone, header, hash and signature stay.
ALTER TABLE change ADD COLUMN erased_ms INTEGER;
CREATE INDEX change_live ON change (tenant, position) WHERE covered_ms IS NULL;
CREATE INDEX change_covered ON change (covered_ms) WHERE covered_ms IS NOT NULL AND length(bytes) > 0;

-- What was covered (4) or erased (5) before it came.
CREATE TABLE tombstone (
    tenant BLOB NOT NULL CHECK (length(tenant) = 32),
    id     BLOB NOT NULL CHECK (length(id) = 32),
    kind   INTEGER NOT NULL CHECK (kind IN (4, 5)),
    PRIMARY KEY (tenant, id, kind)
) STRICT, WITHOUT ROWID;

-- The public half of the key that signs receipts (relay.key): another key means another life.
ALTER TABLE relay ADD COLUMN key BLOB;
-- How many transactions were committed here; the mark outside the data folder follows it.
ALTER TABLE relay ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
-- No receipt was given a time after this one: times of receipts never go back.
ALTER TABLE relay ADD COLUMN clock_ms INTEGER NOT NULL DEFAULT 0;
-- Receipts that were shown here and are no receipts of this relay's.
ALTER TABLE relay ADD COLUMN n_forged INTEGER NOT NULL DEFAULT 0;

-- Clinics whose releases are not given until one of their devices has confirmed grants and revocations: the relay's data
-- was put back. What was put back was of the life `former` and reached so far: a device that had come less far was away,
-- and its word counts only together with that of all others (`heard`). `confirmed_by`: the device that did; should it turn out to be removed, the clinic is closed
-- again.
CREATE TABLE closed (
    source       BLOB PRIMARY KEY NOT NULL CHECK (length(source) = 32),
    former       BLOB NOT NULL CHECK (length(former) = 16),
    changes      INTEGER NOT NULL,
    consents     INTEGER NOT NULL,
    confirmed_by BLOB CHECK (length(confirmed_by) = 32)
) STRICT, WITHOUT ROWID;

-- Devices that have brought all that they hold since the data was put back.
CREATE TABLE heard (
    source BLOB NOT NULL CHECK (length(source) = 32),
    device BLOB NOT NULL CHECK (length(device) = 32),
    PRIMARY KEY (source, device)
) STRICT, WITHOUT ROWID;
