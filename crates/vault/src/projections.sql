-- The tables that screens query. All are made from the set of sealed changes alone, and are dropped and made again
-- whenever this file changes. Each row holds the columns that queries need and the noun itself as JSON.

CREATE TABLE p_documents (
    id   BLOB PRIMARY KEY NOT NULL,
    path TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE p_clinic (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    json TEXT NOT NULL
) STRICT;

CREATE TABLE p_staff (
    id   BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What people call the clinic's devices.
CREATE TABLE p_devices (
    id   BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the clinic has chosen for all of its devices; what is not here was not chosen.
CREATE TABLE p_choices (
    name TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- `search_row` joins to p_search; it is derived from the id, so that it is the same after a rebuild. Two patients may have the
-- same one by somebody's design: they share the row there, and are found together.
CREATE TABLE p_patients (
    id         BLOB PRIMARY KEY NOT NULL,
    search_row INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    json       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX p_patients_by_row ON p_patients (search_row);
CREATE INDEX p_patients_by_identifier ON p_patients (identifier) WHERE identifier <> '';

CREATE VIRTUAL TABLE p_search USING fts5 (
    name, identifier,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3', columnsize = 0
);
-- A forgotten name is forgotten in the index too.
INSERT INTO p_search (p_search, rank) VALUES ('secure-delete', 1);

-- Telephone numbers, for the rows of p_search. They change oftener than all else that a patient is found by.
CREATE TABLE p_phones (
    word       TEXT NOT NULL,
    search_row INTEGER NOT NULL,
    PRIMARY KEY (word, search_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE p_allergies (
    patient  BLOB PRIMARY KEY NOT NULL,
    json     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE p_queue (
    id      BLOB PRIMARY KEY NOT NULL,
    day     TEXT NOT NULL,
    visit   BLOB NOT NULL,
    token   TEXT NOT NULL,
    arrived_ms INTEGER NOT NULL,
    json    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX p_queue_by_day ON p_queue (day, arrived_ms, id);
CREATE INDEX p_queue_by_visit ON p_queue (visit);

CREATE TABLE p_visits (
    id        BLOB PRIMARY KEY NOT NULL,
    patient   BLOB NOT NULL,
    opened_ms INTEGER NOT NULL,
    json      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX p_visits_by_patient ON p_visits (patient, opened_ms);

CREATE TABLE p_recordings (
    id         BLOB PRIMARY KEY NOT NULL,
    patient    BLOB NOT NULL,
    visit      BLOB NOT NULL,
    attachment BLOB NOT NULL,
    key        BLOB NOT NULL,
    finished   INTEGER NOT NULL,
    json       TEXT NOT NULL,
    chunks     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX p_recordings_by_visit ON p_recordings (visit);

-- Rows that another document claims, too, of a lower patient or day (`documents/claims.rs`). Hardly ever is anything here.
CREATE TABLE p_visits_beside (
    id        BLOB NOT NULL,
    patient   BLOB NOT NULL,
    opened_ms INTEGER NOT NULL,
    json      TEXT NOT NULL,
    PRIMARY KEY (id, patient)
) STRICT, WITHOUT ROWID;
CREATE TABLE p_queue_beside (
    id      BLOB NOT NULL,
    day     TEXT NOT NULL,
    visit   BLOB NOT NULL,
    token   TEXT NOT NULL,
    arrived_ms INTEGER NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (id, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE p_recordings_beside (
    id         BLOB NOT NULL,
    patient    BLOB NOT NULL,
    visit      BLOB NOT NULL,
    attachment BLOB NOT NULL,
    key        BLOB NOT NULL,
    finished   INTEGER NOT NULL,
    json       TEXT NOT NULL,
    chunks     TEXT NOT NULL,
    PRIMARY KEY (id, patient)
) STRICT, WITHOUT ROWID;

-- Fields that were written apart, clinically relevant ones only, and entries that one device removed and another edited:
-- a person must judge. Of a signed visit they no longer matter.
CREATE TABLE p_conflicts (
    document BLOB NOT NULL,
    field    TEXT NOT NULL,
    visit    BLOB,
    PRIMARY KEY (document, field)
) STRICT, WITHOUT ROWID;

-- Visits of which a person may have to judge something: signed more than once, a medicine handed over more than once, a
-- draft that is not what was signed. Looked at again when somebody asks.
CREATE TABLE p_doubts (
    visit   BLOB PRIMARY KEY NOT NULL,
    patient BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Facts. `verified` = the person's signature holds against an enrolment of that person on that device.
CREATE TABLE p_facts (
    id       BLOB PRIMARY KEY NOT NULL,
    kind     INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    staff    BLOB,
    device   BLOB NOT NULL,
    path     TEXT NOT NULL,
    patient  BLOB,
    visit    BLOB,
    subject  TEXT,
    verified INTEGER NOT NULL,
    body     TEXT NOT NULL,
    signature BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX p_facts_by_kind ON p_facts (kind, at_ms);
-- Kinds stand before times: or what asks for one kind, in order of time, would be read through the index of all of that kind.
CREATE INDEX p_facts_by_patient ON p_facts (patient, kind, at_ms) WHERE patient IS NOT NULL;
CREATE INDEX p_facts_by_visit ON p_facts (visit, kind, at_ms) WHERE visit IS NOT NULL;
CREATE INDEX p_facts_by_subject ON p_facts (kind, subject, at_ms) WHERE subject IS NOT NULL;
CREATE INDEX p_facts_unverified ON p_facts (staff, device) WHERE verified = 0 AND signature IS NOT NULL;

-- What erasures name, by the facts that count. `of`: 0 a document, 1 a fact, 2 an attachment.
CREATE TABLE p_erasures (
    of   INTEGER NOT NULL,
    id   BLOB NOT NULL,
    fact BLOB NOT NULL,
    PRIMARY KEY (of, id, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX p_erasures_by_fact ON p_erasures (fact);
