-- Pairings that are under way: where two devices of one clinic meet that share nothing yet but a short code. Rows and no
-- memory, since the two may be connected to different nodes. They are gone after ten minutes, and with a file at each start.

-- `name`: SHA-256 of the code's first characters. `is_over`: one of the two has left; the other is told, and then it goes.
CREATE TABLE pairing (
    name    BLOB PRIMARY KEY NOT NULL CHECK (length(name) = 32),
    is_over INTEGER NOT NULL DEFAULT 0,
    ends_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The host and the one who joins: each a connection of one run of a relay. `seen_ms`: when its node last looked for it; where
-- nodes share the database, who was not seen for some seconds is gone.
CREATE TABLE pairing_side (
    name       BLOB NOT NULL REFERENCES pairing ON DELETE CASCADE,
    is_host    INTEGER NOT NULL CHECK (is_host IN (0, 1)),
    run        INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL,
    n_posts    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name, is_host)
) STRICT, WITHOUT ROWID;

-- What one side said and the other's node has not fetched yet; sealed by the devices.
CREATE TABLE pairing_post (
    name    BLOB NOT NULL REFERENCES pairing ON DELETE CASCADE,
    to_host INTEGER NOT NULL CHECK (to_host IN (0, 1)),
    number  INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (name, to_host, number)
) STRICT;

-- Who hosted or joined within the last minute, whatever came of it.
CREATE TABLE pairing_try (
    run        INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (run, connection)
) STRICT, WITHOUT ROWID;
