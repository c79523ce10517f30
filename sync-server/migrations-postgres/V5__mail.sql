-- Messages between clinics and the directory (see V5 of SQLite).

CREATE TABLE mail (
    sender    BYTEA NOT NULL CHECK (length(sender) = 32),
    id        BYTEA NOT NULL CHECK (length(id) = 16),
    recipient BYTEA NOT NULL CHECK (length(recipient) = 32),
    position  BIGINT NOT NULL,
    state     BIGINT NOT NULL CHECK (state IN (0, 1, 2, 3)),
    state_at  BIGINT NOT NULL,
    state_ms  BIGINT NOT NULL,
    stored_ms BIGINT NOT NULL,
    bytes     BYTEA,
    PRIMARY KEY (sender, id)
);
-- What is sealed cannot be made smaller.
ALTER TABLE mail ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX mail_inbox ON mail (recipient, position);
CREATE INDEX mail_states ON mail (sender, state_at);
CREATE INDEX mail_waiting ON mail (recipient, sender) WHERE state = 0;
CREATE INDEX mail_of_the_hour ON mail (sender, stored_ms);
CREATE INDEX mail_by_age ON mail (stored_ms);
ALTER TABLE mail ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY sent_reads ON mail FOR SELECT USING (sender = medieco_tenant());
CREATE POLICY sends ON mail FOR INSERT WITH CHECK (sender = medieco_tenant());
CREATE POLICY came_reads ON mail FOR SELECT USING (recipient = medieco_tenant());
CREATE POLICY came_is_told ON mail FOR UPDATE USING (recipient = medieco_tenant());
CREATE POLICY house ON mail USING (medieco_house()) WITH CHECK (medieco_house());
GRANT SELECT, INSERT, DELETE, UPDATE (state, state_at, state_ms, bytes) ON mail TO medieco_relay;

CREATE TABLE mail_head (
    tenant  BYTEA PRIMARY KEY CHECK (length(tenant) = 32),
    inbox   BIGINT NOT NULL DEFAULT 0,
    states  BIGINT NOT NULL DEFAULT 0,
    waiting BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
ALTER TABLE mail_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON mail_head USING (tenant = medieco_tenant());
CREATE POLICY other ON mail_head USING (tenant = medieco_other());
CREATE POLICY house ON mail_head USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_head TO medieco_relay;

-- Every clinic reads it; each writes its own row.
CREATE TABLE directory (
    tenant       BYTEA PRIMARY KEY CHECK (length(tenant) = 32),
    number       BIGINT NOT NULL,
    position     BIGINT NOT NULL UNIQUE,
    published_ms BIGINT NOT NULL,
    bytes        BYTEA NOT NULL
);
ALTER TABLE directory ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY clinics_read ON directory FOR SELECT USING (length(medieco_tenant()) = 32);
CREATE POLICY own ON directory USING (tenant = medieco_tenant());
CREATE POLICY house ON directory USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON directory TO medieco_relay;

ALTER TABLE relay ADD COLUMN directory BIGINT NOT NULL DEFAULT 0;
