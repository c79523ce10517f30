-- Who writes does not wait for a row in line either: her change says itself in which commit it was made, and what came behind
-- `lined_up` is put in line when it is a batch's turn, and read from the set by whoever asks before (src/outbox.rs).

-- The commit in which this device made the change; NULL for what came from others, or was made by an older build.
ALTER TABLE changes ADD COLUMN made_in INTEGER;

-- The count of commits stood in the line; from now on in the set, or here.
UPDATE meta SET value = max(value, coalesce((SELECT counted FROM changes_to_send ORDER BY arrival DESC LIMIT 1), 0))
    WHERE key = 'commit';

INSERT INTO meta (key, value) SELECT 'lined_up', coalesce(max(arrival), 0) FROM changes;

-- The place of the newest may be given again once it is gone.
CREATE TRIGGER changes_lined_up_that_go AFTER DELETE ON changes
    BEGIN UPDATE meta SET value = (SELECT coalesce(max(arrival), 0) FROM changes)
          WHERE key = 'lined_up' AND value >= OLD.arrival
            AND NOT EXISTS (SELECT 1 FROM changes WHERE arrival > OLD.arrival); END;
