-- Changes that the relay perhaps has, by their place in the set: its feed tells. Once this device has heard all of the feed, those
-- that are left are put in line (src/outbox.rs).
CREATE TABLE changes_perhaps_sent (
    arrival INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER changes_perhaps_sent_that_go AFTER DELETE ON changes
    BEGIN DELETE FROM changes_perhaps_sent WHERE arrival = OLD.arrival; END;
