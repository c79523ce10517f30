-- Changes that the relay perhaps has, by their place in the set: its feed tells. Once this device has heard all of the feed, those
-- that are left are put in line (src/outbox.rs).
CREATE TABLE changes_perhaps_sent (
    arrival INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER changes_perhaps_sent_that_go AFTER DELETE ON changes
    BEGIN DELETE FROM changes_perhaps_sent WHERE arrival = OLD.arrival; END;

-- The relay's audit by the grant that each line is about, so that all that was asked of one patient's record is found, however long
-- ago. Empty for a line that cannot be read; NULL until it was looked at (src/sharing/relay_audit.rs).
ALTER TABLE relay_audit ADD COLUMN grant_id BLOB;
ALTER TABLE relay_audit_again ADD COLUMN grant_id BLOB;
CREATE INDEX relay_audit_of_grant ON relay_audit (grant_id, number);
CREATE INDEX relay_audit_again_of_grant ON relay_audit_again (grant_id, number);
