-- 0174: what is kept of a turn is compressed by LZ4
--
-- PostgreSQL's own method takes some ten times as long for the few kilobytes of a record, and every turn has one. What is
-- stored already stays as it is; a server that was built without LZ4 keeps the other.
DO $$
BEGIN
    ALTER TABLE turns ALTER COLUMN record SET COMPRESSION lz4;
    ALTER TABLE turns ALTER COLUMN exchange SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;
