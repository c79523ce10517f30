-- What clinics' plans allow, how much of it is used, and what they are charged.
-- Days are dates of Kuala Lumpur as text, YYYY-MM-DD; months YYYY-MM. Money is in sen.

-- Bytes of the sealed changes that were taken in; what is dropped later is in `freed`.
ALTER TABLE head ADD COLUMN n_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE head SET n_bytes = coalesce((SELECT sum(length(bytes)) FROM change WHERE change.tenant = head.tenant), 0)
    WHERE feed = 0;

-- Bytes of covered changes whose bodies were dropped when their time was over.
CREATE TABLE freed (
    tenant  BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    n_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices that have been served: they are served on, whatever the plan is.
CREATE TABLE seat (
    tenant   BLOB NOT NULL CHECK (length(tenant) = 32),
    device   BLOB NOT NULL CHECK (length(device) = 32),
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;

-- What a clinic's own devices say: how many people are on its staff.
CREATE TABLE usage_said (
    tenant  BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    n_staff INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each clinic and day: messages and requests are sums of the day, the others as they were seen last.
CREATE TABLE usage_day (
    tenant      BLOB NOT NULL CHECK (length(tenant) = 32),
    day         TEXT NOT NULL CHECK (length(day) = 10),
    n_devices   INTEGER,
    n_staff     INTEGER,
    n_bytes     INTEGER,
    n_requests  INTEGER NOT NULL DEFAULT 0,
    n_permitted INTEGER NOT NULL DEFAULT 0,
    n_denied    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_day_day ON usage_day (day);

-- Up to which line of its audit chain a clinic's accesses are in `usage_day`.
CREATE TABLE usage_counted (
    tenant BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE plan (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    retired_ms INTEGER
) STRICT;

-- A plan's price and limits since a day; NULL is no limit. Never altered: a change is a new version.
CREATE TABLE plan_terms (
    plan      INTEGER NOT NULL REFERENCES plan,
    version   INTEGER NOT NULL,
    from_day  TEXT NOT NULL CHECK (length(from_day) = 10),
    price_sen INTEGER NOT NULL CHECK (price_sen >= 0),
    devices   INTEGER CHECK (devices >= 0),
    staff     INTEGER CHECK (staff >= 0),
    bytes     INTEGER CHECK (bytes >= 0),
    requests  INTEGER CHECK (requests >= 0),
    made_ms   INTEGER NOT NULL,
    PRIMARY KEY (plan, version)
) STRICT, WITHOUT ROWID;

-- Which plan a clinic has since a day, and the last day of its trial; no plan: none from then on. `clinic` is the number on
-- the operator's list, also of one that is not on it any more.
CREATE TABLE subscription (
    clinic      INTEGER NOT NULL,
    from_day    TEXT NOT NULL CHECK (length(from_day) = 10),
    plan        INTEGER REFERENCES plan,
    trial_until TEXT CHECK (length(trial_until) = 10),
    made_ms     INTEGER NOT NULL,
    PRIMARY KEY (clinic, from_day)
) STRICT, WITHOUT ROWID;

-- To whom a clinic's invoices go, and in which language (`en`, `ms`).
CREATE TABLE billing (
    clinic   INTEGER PRIMARY KEY NOT NULL,
    name     TEXT NOT NULL,
    address  TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('en', 'ms'))
) STRICT;

-- Who sends invoices: the operator's name, address, numbers and terms, as JSON.
CREATE TABLE issuer (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    body     TEXT NOT NULL
) STRICT;

-- Invoices (kind 0) and credit notes (kind 1), which undo one invoice whole. All that is printed is in `body` (JSON). Once
-- issued, a row stays as it is.
CREATE TABLE invoice (
    number    INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL CHECK (kind IN (0, 1)),
    clinic    INTEGER NOT NULL,
    period    TEXT NOT NULL CHECK (length(period) = 7),
    again     INTEGER NOT NULL DEFAULT 0, -- the how many-th of this month
    credits   INTEGER UNIQUE REFERENCES invoice,
    year      INTEGER,
    serial    INTEGER,
    total_sen INTEGER NOT NULL,
    body      TEXT NOT NULL,
    made_ms   INTEGER NOT NULL,
    issued_ms INTEGER,
    UNIQUE (kind, clinic, period, again),
    UNIQUE (kind, year, serial),
    CHECK ((serial IS NULL) = (issued_ms IS NULL) AND (serial IS NULL) = (year IS NULL))
) STRICT;
CREATE TRIGGER invoice_stays BEFORE UPDATE ON invoice WHEN OLD.issued_ms IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'an issued invoice stays as it is'); END;
CREATE TRIGGER invoice_is_kept BEFORE DELETE ON invoice WHEN OLD.issued_ms IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'an issued invoice stays as it is'); END;

-- The last serial number of each year.
CREATE TABLE invoice_serial (
    kind   INTEGER NOT NULL CHECK (kind IN (0, 1)),
    year   INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    PRIMARY KEY (kind, year)
) STRICT, WITHOUT ROWID;

CREATE TABLE paid (
    invoice INTEGER PRIMARY KEY NOT NULL REFERENCES invoice,
    day     TEXT NOT NULL CHECK (length(day) = 10),
    made_ms INTEGER NOT NULL
) STRICT;
