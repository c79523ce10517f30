-- The head of a clinic's audit chain as the relay signed it: one a day in each life of the data, kept for good.
CREATE TABLE audit_head (
    tenant      BLOB NOT NULL CHECK (length(tenant) = 32),
    incarnation BLOB NOT NULL CHECK (length(incarnation) = 16),
    day         INTEGER NOT NULL, -- since 1970, by the relay's clock, UTC
    key         BLOB NOT NULL CHECK (length(key) = 32), -- the half of relay.key that verifies it
    head        BLOB NOT NULL,
    PRIMARY KEY (tenant, incarnation, day)
) STRICT, WITHOUT ROWID;
