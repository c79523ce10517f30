-- At which node (a run of a relay) a device is; NULL once it went. A node that died leaves its name here: who keeps no samples
-- any more is not asked for.
ALTER TABLE seen ADD COLUMN node INTEGER;

-- The list of invoices is read from a place on: the newest month first, a month's by the clinics' numbers.
CREATE INDEX invoice_list ON invoice (period DESC, clinic, number, issued_ms);
