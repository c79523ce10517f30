-- What clinics still have to pay (see V12 of SQLite).

CREATE TABLE owed (
    invoice   BIGINT PRIMARY KEY REFERENCES invoice,
    clinic    BIGINT NOT NULL,
    due       TEXT NOT NULL CHECK (length(due) = 10),
    total_sen BIGINT NOT NULL
);
CREATE INDEX owed_due ON owed (clinic, due, total_sen);
ALTER TABLE owed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON owed USING (medieco_house());
GRANT SELECT, INSERT, DELETE ON owed TO medieco_relay;
