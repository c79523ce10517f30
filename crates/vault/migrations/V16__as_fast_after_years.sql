-- What grows with the day's work, and not with all that was ever done (tests: years.rs).

-- When each device made its latest fact, to the minute. It is filled as facts come, and when they are read anew; it stays when a
-- fact is erased. Who asked the facts themselves read through all of them (src/facts/mod.rs).
CREATE TABLE device_wrote (
    device BLOB PRIMARY KEY NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Snapshots that are to be confirmed, or stand in: few, while those in force are as many as the visits of all years.
CREATE INDEX snapshots_not_settled ON snapshots (in_force) WHERE in_force <> 1;
