-- Who writes does not wait for the trees: what came behind this place in the set is counted in when it is a batch's turn,
-- and by whoever asks before (src/buckets.rs).
INSERT INTO meta (key, value) SELECT 'counted_in', coalesce(max(arrival), 0) FROM changes;

-- The place of the newest may be given again once it is gone.
CREATE TRIGGER changes_counted_in_that_go AFTER DELETE ON changes
    BEGIN UPDATE meta SET value = (SELECT coalesce(max(arrival), 0) FROM changes)
          WHERE key = 'counted_in' AND value >= OLD.arrival
            AND NOT EXISTS (SELECT 1 FROM changes WHERE arrival > OLD.arrival); END;
