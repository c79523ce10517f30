-- Fewer places to write to for each change that comes or is written.

-- The lowest level of the trees is summed up from the ids when a peer asks for it: of the stored levels each batch touches
-- a few pages, where the leaves were as many rows as there are changes. The trees are made anew when the store is opened.
DELETE FROM buckets;
DELETE FROM meta WHERE key = 'buckets';
-- What a sum over all ids counts too much.
CREATE INDEX changes_covered_by_id ON changes (id) WHERE covered_by IS NOT NULL;

-- Who claims a place in a document's history is told by the number; device and opening stand in the row.
DROP INDEX changes_of_document;
CREATE INDEX changes_of_document ON changes (document, am_seq);

-- What is stored and not judged yet has an index of its own, which counts it without reading it; of a document it is found
-- among the document's changes.
DROP INDEX changes_in_doubt;
CREATE INDEX changes_in_doubt ON changes (verdict) WHERE verdict IN (1, 2);
DROP INDEX changes_to_be_read_of;
DROP INDEX changes_to_be_read;
CREATE INDEX changes_to_be_read ON changes (verdict, rank) WHERE verdict = 3 AND rank IS NOT NULL;
