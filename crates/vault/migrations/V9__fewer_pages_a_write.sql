-- One field that is edited is one commit: each page that it need not write is encrypted, authenticated and written by nobody.

-- Changes that the relay does not have yet, by their place in the set: a row of a few bytes at the end of one table. Its last
-- row also has the count of the commit that put it there, where no later commit has one (`meta.commit`).
CREATE TABLE changes_to_send (
    arrival INTEGER PRIMARY KEY,
    counted INTEGER
) STRICT;
CREATE TRIGGER changes_to_send_that_go AFTER DELETE ON changes
    BEGIN DELETE FROM changes_to_send WHERE arrival = OLD.arrival; END;
INSERT INTO changes_to_send (arrival)
    SELECT c.arrival FROM outbox o CROSS JOIN changes c ON c.id = o.id WHERE o.kind = 0;

-- The other kinds stay, each behind the change that was the newest then. Grants and revocations go first.
DELETE FROM outbox WHERE kind = 0;
ALTER TABLE outbox ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET behind = (SELECT coalesce(max(arrival), 0) FROM changes) WHERE kind NOT IN (1, 2);
CREATE INDEX outbox_in_order ON outbox (behind);

-- One level of the trees is enough: what is below it is summed up from the ids of one part in 256.
DELETE FROM buckets WHERE prefix >= 4096;
