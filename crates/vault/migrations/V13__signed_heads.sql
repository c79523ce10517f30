-- Lines belong to a life of the relay's data: after it was put back, a number may be given again, to another line.

-- The life in which a line was given last; NULL for what an older build took in.
ALTER TABLE relay_audit ADD COLUMN life BLOB;

-- Lines whose number was taken by another line. `holds` as in relay_audit.
CREATE TABLE relay_audit_again (
    life   BLOB NOT NULL,
    number INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    holds  INTEGER NOT NULL,
    PRIMARY KEY (life, number, bytes)
) STRICT;

-- The heads of the chain that the relay signed, for good: two that cannot both be true are kept both.
CREATE TABLE relay_heads (
    life   BLOB NOT NULL,
    at_ms  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (life, at_ms, number, bytes)
) STRICT, WITHOUT ROWID;
