-- 0048: what the API says of a lead, and who asked there for an opt-out or an opt-in

ALTER TABLE leads ADD COLUMN source text;        -- where it came from, as who created it says; NULL: it wrote to us
ALTER TABLE consents ADD COLUMN asked_by text;   -- of channel 'api': administrator, client or operator (leadctl)

-- For lists: the time of creation never changes, so the index costs new leads alone.
CREATE INDEX leads_created ON leads (client_id, created_at DESC, lead_id DESC);
-- An administrator asks for a lead by its id alone.
CREATE INDEX leads_id ON leads (lead_id);

-- What counts for a lead as a whole: that it has opted out, else what the most urgent of its conversations says.
CREATE FUNCTION lead_status(of_client uuid, of_lead uuid, opted_out boolean) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN opted_out THEN 'opted_out' ELSE coalesce(
        (SELECT c.state FROM conversations c
          WHERE c.client_id = of_client AND c.lead_id = of_lead
          ORDER BY array_position(ARRAY['taken_over', 'escalated', 'open', 'closed'], c.state) LIMIT 1), 'open') END
$$;

-- Opts a lead out (wanted 'out') or in, for somebody who asked for it in its place, and records that. False: it was so
-- already, and nothing is changed. What is queued for a lead that has opted out is dropped when it is to be sent.
CREATE FUNCTION set_lead_opt_out(of_client uuid, of_lead uuid, wanted text, reason text, who text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE leads
       SET opted_out_at = CASE wanted WHEN 'out' THEN now() END,
           opted_out_channel = CASE wanted WHEN 'out' THEN 'api' END,
           opted_out_words = CASE wanted WHEN 'out' THEN left(reason, 200) END, updated_at = now()
     WHERE client_id = of_client AND lead_id = of_lead AND (opted_out_at IS NULL) = (wanted = 'out');
    IF FOUND THEN
        INSERT INTO consents (client_id, lead_id, kind, channel, words, asked_by)
        VALUES (of_client, of_lead, wanted, 'api', left(reason, 500), who);
        RETURN true;
    END IF;
    RETURN false;
END
$$;
REVOKE ALL ON FUNCTION lead_status(uuid, uuid, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION set_lead_opt_out(uuid, uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lead_status(uuid, uuid, boolean) TO leadwire_orchestrator;
GRANT EXECUTE ON FUNCTION set_lead_opt_out(uuid, uuid, text, text, text) TO leadwire_orchestrator;
