-- Whether something of a document was put aside: asked before what comes of it goes the short way. Hardly anything ever is.
CREATE INDEX changes_put_aside_of ON changes (document) WHERE verdict = 2;
