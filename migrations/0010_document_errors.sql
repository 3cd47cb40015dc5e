-- 0010: a document knows when its ingestion has died, whoever buried the task
--
-- A task dies in the process that runs it, or is buried by the scheduler after its process died in the last attempt. In
-- both cases the document must not stay "ingesting" for ever. Retrying the task brings it back.

CREATE FUNCTION leadwire_document_follows_task() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state = 'dead' THEN
        UPDATE documents SET state = CASE WHEN ingested_at IS NULL THEN 'failed' ELSE 'ready' END,
                             error = left(coalesce(NEW.error, 'unknown'), 1000), updated_at = now()
         WHERE client_id = NEW.client_id AND task_id = NEW.task_id AND state IN ('ingesting', 'updating');
    ELSE
        UPDATE documents d SET state = CASE WHEN d.ingested_at IS NULL THEN 'ingesting' ELSE 'updating' END,
                               error = NULL, updated_at = now()
          FROM pending_documents p
         WHERE d.client_id = NEW.client_id AND d.task_id = NEW.task_id
           AND p.client_id = d.client_id AND p.document_id = d.document_id;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION leadwire_document_follows_task() FROM PUBLIC;

CREATE TRIGGER document_follows_task AFTER UPDATE OF state ON tasks
    FOR EACH ROW WHEN (NEW.kind = 'ingest_document' AND (NEW.state = 'dead') <> (OLD.state = 'dead'))
    EXECUTE FUNCTION leadwire_document_follows_task();
