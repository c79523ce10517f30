-- What grows with the day's work, and not with all that was ever done (tests: years.rs).

-- When each device made its latest fact, to the minute. It is filled as facts come, and when they are read anew; it stays when a
-- fact is erased. Who asked the facts themselves read through all of them (src/facts/mod.rs).
CREATE TABLE device_wrote (
    device BLOB PRIMARY KEY NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Snapshots that are to be confirmed, or stand in: few, while those in force are as many as the visits of all years.
CREATE INDEX snapshots_not_settled ON snapshots (in_force) WHERE in_force <> 1;

-- Grants in the order in which they came, so that the newest can be shown without reading all of them.
ALTER TABLE grants ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0;
-- Whose document the sealed card of a received grant names: a hash that means something in this store alone, empty for a card
-- without a document. NULL until somebody has looked, which is done when nobody waits.
ALTER TABLE grants ADD COLUMN card BLOB;
INSERT INTO meta (key, value) VALUES ('cards_salt', randomblob(32));
CREATE INDEX grants_in_order ON grants (recipient, arrival);
CREATE INDEX grants_of_card ON grants (recipient, card) WHERE card IS NOT NULL;
CREATE INDEX grants_not_looked_at ON grants (recipient) WHERE card IS NULL;
CREATE INDEX grants_to ON grants (source, recipient);
CREATE INDEX grants_to_erase ON grants (erase_ms);
-- What waits for its clinic's statements.
CREATE INDEX grants_in_doubt ON grants (source) WHERE verified = 0;
CREATE INDEX revocations_in_doubt ON revocations (source) WHERE verified = 0;
CREATE INDEX releases_in_doubt ON releases_received (grant_id) WHERE verified = 0;
