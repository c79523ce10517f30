-- At which node a device is, and the order of the list of invoices (see V11 of SQLite).

ALTER TABLE seen ADD COLUMN node BIGINT;

CREATE INDEX invoice_list ON invoice (period DESC, clinic, number, issued_ms);
