-- 0128: what waits for the hours waits for those that are in force when it begins to wait
--
-- Who changes a client's hours wakes what waits for them. A message that was judged by the old hours, but did not wait
-- yet, was not woken, and waited until they opened, which may be the next day.

-- How long a message that we start to the number must wait, by the settings that the client has now. They stay as they
-- are until the transaction ends: who changes them later then finds and wakes what this transaction makes wait. Who
-- changes a client locks no lead or conversation, and of the tasks that wait for hours only those that nobody has locked.
CREATE FUNCTION hours_wait_ms(of_client uuid, phone text, zone text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM clients k WHERE k.client_id = of_client FOR SHARE;
    RETURN (SELECT greatest(ceil(extract(epoch FROM least(
                       message_allowed_at(phone, zone, k.timezone, k.config ->> 'allowed_hours', now()),
                       now() + interval '30 days') - now()) * 1000), 0)::bigint
              FROM clients k WHERE k.client_id = of_client);
END
$$;
REVOKE ALL ON FUNCTION hours_wait_ms(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hours_wait_ms(uuid, text, text) TO leadwire_orchestrator, leadwire_delivery;
