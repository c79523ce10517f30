-- Chunks of attachments: what is in the folder `attachments`, as (clinic, attachment, name of the chunk).

-- A row is written once its object is whole and durable. `lost`: it was here, and its object is gone.
CREATE TABLE chunk (
    tenant     BLOB NOT NULL CHECK (length(tenant) = 32),
    attachment BLOB NOT NULL CHECK (length(attachment) = 16),
    name       BLOB NOT NULL CHECK (length(name) = 32),
    n_bytes    INTEGER NOT NULL,
    lost       INTEGER NOT NULL DEFAULT 0 CHECK (lost IN (0, 1)),
    PRIMARY KEY (tenant, attachment, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_lost ON chunk (tenant) WHERE lost = 1;

-- How much of a clinic's is here, in all.
CREATE TABLE held (
    tenant   BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 32),
    n_chunks INTEGER NOT NULL,
    n_bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Erased attachments, for ever: nothing of them is taken again. `removed`: no object of it is there any more.
CREATE TABLE forgotten (
    tenant     BLOB NOT NULL CHECK (length(tenant) = 32),
    attachment BLOB NOT NULL CHECK (length(attachment) = 16),
    removed    INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
    PRIMARY KEY (tenant, attachment)
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_to_remove ON forgotten (tenant) WHERE removed = 0;
