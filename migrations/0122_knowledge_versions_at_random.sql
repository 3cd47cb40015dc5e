-- 0122: a version of what a client knows never comes back
--
-- After a database has been restored, or a standby has taken over that had not all of it, a sequence gives numbers again
-- that a running process knows as another content's. Versions are only compared for equality, so they are random.

CREATE OR REPLACE FUNCTION leadwire_knowledge_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    new_version bigint := hashtextextended(gen_random_uuid()::text, 0);
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO knowledge_versions AS v (client_id, version)
        SELECT DISTINCT client_id, new_version FROM new_rows ORDER BY client_id
        ON CONFLICT (client_id) DO UPDATE SET version = excluded.version;
    ELSIF TG_TABLE_NAME = 'documents' THEN
        UPDATE knowledge_versions v SET version = new_version
         WHERE v.client_id IN (SELECT o.client_id FROM old_rows o JOIN new_rows n USING (client_id, document_id)
                                WHERE (o.title, o.title_key, o.source_url)
                                      IS DISTINCT FROM (n.title, n.title_key, n.source_url));
    ELSE
        UPDATE knowledge_versions v SET version = new_version
         WHERE v.client_id IN (SELECT client_id FROM old_rows);
    END IF;
    IF TG_TABLE_NAME = 'knowledge_bases' AND TG_OP = 'DELETE' THEN
        DELETE FROM knowledge_versions v
         WHERE v.client_id IN (SELECT client_id FROM old_rows)
           AND NOT EXISTS (SELECT FROM knowledge_bases b WHERE b.client_id = v.client_id);
    END IF;
    RETURN NULL;
END
$$;

-- What was given before could still come back in the same way.
UPDATE knowledge_versions SET version = hashtextextended(client_id::text || version, 0);
DROP SEQUENCE knowledge_versions_given;
