-- Pairings that are under way (see V9 of SQLite). They belong to no clinic: who joins has not said yet whose it is.

CREATE TABLE pairing (
    name    BYTEA PRIMARY KEY CHECK (length(name) = 32),
    is_over BIGINT NOT NULL DEFAULT 0,
    ends_ms BIGINT NOT NULL
);
ALTER TABLE pairing ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON pairing USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON pairing TO medieco_relay;

CREATE TABLE pairing_side (
    name       BYTEA NOT NULL REFERENCES pairing ON DELETE CASCADE,
    is_host    BIGINT NOT NULL CHECK (is_host IN (0, 1)),
    run        BIGINT NOT NULL,
    connection BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL,
    n_posts    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (name, is_host)
);
ALTER TABLE pairing_side ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON pairing_side USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON pairing_side TO medieco_relay;

CREATE TABLE pairing_post (
    name    BYTEA NOT NULL REFERENCES pairing ON DELETE CASCADE,
    to_host BIGINT NOT NULL CHECK (to_host IN (0, 1)),
    number  BIGINT NOT NULL,
    bytes   BYTEA NOT NULL,
    PRIMARY KEY (name, to_host, number)
);
-- What is sealed cannot be made smaller.
ALTER TABLE pairing_post ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE pairing_post ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON pairing_post USING (medieco_house());
GRANT SELECT, INSERT, DELETE ON pairing_post TO medieco_relay;

CREATE TABLE pairing_try (
    run        BIGINT NOT NULL,
    connection BIGINT NOT NULL,
    at_ms      BIGINT NOT NULL,
    PRIMARY KEY (run, connection)
);
ALTER TABLE pairing_try ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON pairing_try USING (medieco_house());
GRANT SELECT, INSERT, DELETE ON pairing_try TO medieco_relay;
