-- The operator's console: who may sign in, what was done there, which clinics are not served, and how the relay has been.

-- Clinics that are not served: suspended (1), or removed (2). Of a removed one this row stays for ever; `gone_ms` says when
-- the last of its data was gone.
CREATE TABLE standing (
    tenant   BYTEA PRIMARY KEY CHECK (length(tenant) = 32),
    state    BIGINT NOT NULL CHECK (state IN (1, 2)),
    since_ms BIGINT NOT NULL,
    why      TEXT NOT NULL,
    gone_ms  BIGINT
);

-- When each device was here last, to the minute, and up to where it had the clinic's changes.
CREATE TABLE seen (
    tenant  BYTEA NOT NULL CHECK (length(tenant) = 32),
    device  BYTEA NOT NULL CHECK (length(device) = 32),
    at_ms   BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    PRIMARY KEY (tenant, device)
);

-- `password` (Argon2id) and `totp` are NULL until the link was used; both are sealed under a key made from relay.key.
-- `totp_step`: the step of the last code that was taken; no code of it or of one before is taken again.
CREATE TABLE operator (
    id        BYTEA PRIMARY KEY CHECK (length(id) = 16),
    name      TEXT NOT NULL UNIQUE,
    made_ms   BIGINT NOT NULL,
    password  BYTEA,
    totp      BYTEA,
    totp_step BIGINT NOT NULL DEFAULT 0
);

-- One hash-chained list of what operators did, and of who tried to be one.
CREATE TABLE operator_audit (
    number   BIGINT PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    operator TEXT NOT NULL,
    act      TEXT NOT NULL,
    about    TEXT NOT NULL,
    result   TEXT NOT NULL,
    chain    BYTEA NOT NULL CHECK (length(chain) = 32)
);

-- Recovery codes, as hashes; each is good once.
CREATE TABLE operator_code (
    operator BYTEA NOT NULL REFERENCES operator ON DELETE CASCADE,
    hash     BYTEA NOT NULL CHECK (length(hash) = 32),
    used_ms  BIGINT,
    PRIMARY KEY (operator, hash)
);

-- Links by which an operator sets password and second factor, as hashes.
CREATE TABLE operator_link (
    hash       BYTEA PRIMARY KEY CHECK (length(hash) = 32),
    operator   BYTEA NOT NULL REFERENCES operator ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL
);

-- Who is signed in, as hashes. `exported`: the clinic whose data was last exported in it, whole.
CREATE TABLE operator_session (
    hash     BYTEA PRIMARY KEY CHECK (length(hash) = 32),
    operator BYTEA NOT NULL REFERENCES operator ON DELETE CASCADE,
    made_ms  BIGINT NOT NULL,
    seen_ms  BIGINT NOT NULL,
    exported BIGINT
);

-- Tries to sign in that failed, by the hash of a name or of an address.
CREATE TABLE operator_try (
    who      BYTEA PRIMARY KEY CHECK (length(who) = 32),
    n_failed BIGINT NOT NULL,
    last_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- How the relay has been: of each node each minute (span 0; two days are kept) and each hour (span 1; 400 days).
CREATE TABLE sample (
    span        BIGINT NOT NULL CHECK (span IN (0, 1)),
    at          BIGINT NOT NULL, -- minutes or hours since 1970, UTC
    node        BIGINT NOT NULL,
    n_minutes   BIGINT NOT NULL, -- of this span in which the node ran
    connections BIGINT NOT NULL, -- the most
    members     BIGINT NOT NULL, -- the most
    changes     BIGINT NOT NULL, -- received
    refused     BIGINT NOT NULL, -- connections
    limited     BIGINT NOT NULL, -- what had to wait or was turned away
    queue       BIGINT NOT NULL, -- jobs that waited for the store, the most
    PRIMARY KEY (span, at, node)
);

-- Where the console is, as the last `serve` knew it, for the links that the command line prints.
ALTER TABLE relay ADD COLUMN console_url TEXT;
-- When `medieco-relay backup` last copied it, whole.
ALTER TABLE relay ADD COLUMN backup_ms BIGINT;

ALTER TABLE standing ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON standing FOR SELECT USING (tenant = medieco_tenant());
CREATE POLICY other ON standing FOR SELECT USING (tenant = medieco_other());
CREATE POLICY who_gives_to_me ON standing FOR SELECT USING (EXISTS (
    SELECT 1 FROM given WHERE given.source = standing.tenant AND given.recipient = medieco_tenant()));
CREATE POLICY house ON standing USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON standing TO medieco_relay;
-- A clinic that was removed stays so.
CREATE POLICY not_what_was_removed ON standing AS RESTRICTIVE FOR DELETE USING (state = 1);

ALTER TABLE seen ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON seen USING (tenant = medieco_tenant());
CREATE POLICY house ON seen USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON seen TO medieco_relay;

ALTER TABLE operator ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON operator TO medieco_relay;

-- Nobody changes a line: the role has no right to.
ALTER TABLE operator_audit ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator_audit USING (medieco_house());
GRANT SELECT, INSERT ON operator_audit TO medieco_relay;

ALTER TABLE operator_code ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator_code USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_code TO medieco_relay;

ALTER TABLE operator_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator_link USING (medieco_house());
GRANT SELECT, INSERT, DELETE ON operator_link TO medieco_relay;

ALTER TABLE operator_session ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator_session USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_session TO medieco_relay;

ALTER TABLE operator_try ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON operator_try USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_try TO medieco_relay;

ALTER TABLE sample ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON sample USING (medieco_house());
GRANT SELECT, INSERT, UPDATE, DELETE ON sample TO medieco_relay;

-- What a removed clinic leaves is deleted in its own scope, batch by batch; of a clinic that was not removed the role can
-- still delete nothing of these.
CREATE FUNCTION medieco_removed(clinic bytea) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT EXISTS (SELECT 1 FROM standing WHERE standing.tenant = clinic AND standing.state = 2) $$;
GRANT DELETE ON statement TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON statement AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON head TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON head AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON change TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON change AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON tombstone TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON tombstone AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON given TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON given AS RESTRICTIVE FOR DELETE USING (medieco_removed(source));
GRANT DELETE ON revocation TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON revocation AS RESTRICTIVE FOR DELETE USING (medieco_removed(source));
GRANT DELETE ON consent TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON consent AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON release TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON release AS RESTRICTIVE FOR DELETE USING (medieco_removed(source));
GRANT DELETE ON held TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON held AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
GRANT DELETE ON forgotten TO medieco_relay;
CREATE POLICY only_of_a_removed_one ON forgotten AS RESTRICTIVE FOR DELETE USING (medieco_removed(tenant));
