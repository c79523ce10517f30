-- Who writes does not wait for the list by openings and numbers either: what this device made comes into it when it gets its row
-- in line, and says until then in which commit it was made (src/outbox.rs).

-- The count of commits may stand at a change that is in line already.
UPDATE meta SET value = max(value, coalesce((SELECT made_in FROM changes ORDER BY arrival DESC LIMIT 1), 0))
    WHERE key = 'commit';
UPDATE changes SET made_in = NULL
    WHERE made_in IS NOT NULL AND arrival <= (SELECT value FROM meta WHERE key = 'lined_up');
DROP INDEX changes_of_opening;
CREATE INDEX changes_of_opening ON changes (device, opening, number) WHERE made_in IS NULL;
