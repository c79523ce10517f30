-- What clinics still have to pay: one row for each invoice that was issued and is neither paid nor undone, with the day by which it
-- is to be paid. All invoices that ever were are not looked through for it. Filled when the store is opened.
CREATE TABLE owed (
    invoice   INTEGER PRIMARY KEY NOT NULL REFERENCES invoice,
    clinic    INTEGER NOT NULL,
    due       TEXT NOT NULL CHECK (length(due) = 10),
    total_sen INTEGER NOT NULL
) STRICT;
CREATE INDEX owed_due ON owed (clinic, due, total_sen);
