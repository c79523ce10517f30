-- The head of a clinic's audit chain as the relay signed it: one a day in each life of the data, kept for good. Nobody changes
-- one: the role has no right to.
CREATE TABLE audit_head (
    tenant      BYTEA NOT NULL CHECK (length(tenant) = 32),
    incarnation BYTEA NOT NULL CHECK (length(incarnation) = 16),
    day         BIGINT NOT NULL, -- since 1970, by the relay's clock, UTC
    key         BYTEA NOT NULL CHECK (length(key) = 32), -- the half of relay.key that verifies it
    head        BYTEA NOT NULL,
    PRIMARY KEY (tenant, incarnation, day)
);
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_head USING (tenant = medieco_tenant());
GRANT SELECT, INSERT ON audit_head TO medieco_relay;
