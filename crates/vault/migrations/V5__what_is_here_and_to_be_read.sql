-- So that no question grows with the years, and so that a new device is of use before it has read everything.

-- Which numbers of each opening are here, as ranges: more than one range, or one that does not begin at 1, is a hole.
CREATE TABLE numbers_here (
    device  BLOB NOT NULL,
    opening BLOB NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (device, opening, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_after_a_hole ON numbers_here (device, opening, first) WHERE first > 1;
INSERT INTO numbers_here (device, opening, first, last)
    SELECT device, opening, min(number), max(number)
    FROM (SELECT device, opening, number,
                 number - dense_rank() OVER (PARTITION BY device, opening ORDER BY number) AS run
          FROM changes WHERE number > 0)
    GROUP BY device, opening, run;

-- What is stored and not judged yet (`verdict` 3) outlives a commit. The lowest `rank` is read first; it says nothing
-- of what was judged.
ALTER TABLE changes ADD COLUMN rank INTEGER;
CREATE INDEX changes_to_be_read ON changes (rank, arrival) WHERE verdict = 3 AND rank IS NOT NULL;
CREATE INDEX changes_to_be_read_of ON changes (document, rank) WHERE verdict = 3 AND rank IS NOT NULL;
CREATE INDEX changes_waiting_of ON changes (document) WHERE verdict = 1;
