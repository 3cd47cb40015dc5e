-- 0042: raising a notice, from any service and any transaction; a changed account is called at once

-- One notice is open per client, kind and subject: raises it, or counts once more. of_client NULL: for who operates
-- Leadwire, also from a transaction of one client. True if it is new, with the id new_id. Runs as the owner of the
-- table (see 0005): it names its client itself.
CREATE FUNCTION raise_notice(of_client uuid, new_id uuid, of_kind text, of_subject text, what text, fix text,
                             of_code integer)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO notices AS n (client_id, notice_id, kind, subject, text, remedy, code)
    VALUES (coalesce(of_client, '00000000-0000-0000-0000-000000000000'), new_id, of_kind, of_subject, what, fix,
            nullif(of_code, 0))
    ON CONFLICT (client_id, kind, subject) WHERE resolved_at IS NULL DO UPDATE
        SET count = n.count + 1, last_at = now(), text = excluded.text, remedy = excluded.remedy, code = excluded.code
    RETURNING n.notice_id = new_id
$$;

-- What was raised is over. of_subject NULL: whatever it is about. The subjects that were open.
CREATE FUNCTION resolve_notice(of_client uuid, of_kind text, of_subject text) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE notices SET resolved_at = now()
     WHERE client_id = coalesce(of_client, '00000000-0000-0000-0000-000000000000') AND kind = of_kind
       AND subject = coalesce(of_subject, subject) AND resolved_at IS NULL
    RETURNING subject
$$;

-- The client's Twilio account has other credentials, or is no longer its own: what was known of it says nothing, and
-- whoever waits for it to be let in again asks now. To be called in the transaction that changes the configuration.
CREATE FUNCTION provider_account_changed(of_client uuid) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM provider_accounts WHERE account = 'twilio:' || of_client;
    UPDATE tasks SET run_at = now(), updated_at = now()
     WHERE client_id = of_client AND serial_key = 'probe_account' AND state = 'ready' AND run_at > now();
$$;

REVOKE ALL ON FUNCTION raise_notice(uuid, uuid, text, text, text, text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION resolve_notice(uuid, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION provider_account_changed(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION raise_notice(uuid, uuid, text, text, text, text, integer)
    TO leadwire_service, leadwire_gateway;
GRANT EXECUTE ON FUNCTION resolve_notice(uuid, text, text) TO leadwire_service, leadwire_gateway;
GRANT EXECUTE ON FUNCTION provider_account_changed(uuid) TO leadwire_service;
