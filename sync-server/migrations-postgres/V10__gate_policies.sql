-- The same policies of what crosses, said so that what does not depend on the row is asked once for each statement and not for each
-- row: a history of 200 releases was mostly that.

ALTER POLICY own ON release USING (source = (SELECT medieco_tenant()));
ALTER POLICY asked_for ON release USING (source = (SELECT medieco_other()) AND EXISTS (
    SELECT 1 FROM release_for WHERE release_id = release.id AND grant_id = (SELECT medieco_grant())));

ALTER POLICY own ON release_for USING (EXISTS (
    SELECT 1 FROM given WHERE given.id = grant_id AND given.source = (SELECT medieco_tenant())));
ALTER POLICY asked_for ON release_for USING (grant_id = (SELECT medieco_grant()) AND (EXISTS (
    SELECT 1 FROM given WHERE given.id = (SELECT medieco_grant()) AND given.recipient = (SELECT medieco_tenant()))));
