-- 0039: when a lead may be written to unasked
--
-- Only between two times of day where the lead is. What we know of that: the lead's own zone, else those of its
-- number's prefix (phone_zones), else the client's. Summer time is as PostgreSQL's time zone data have it.

-- The zones of the longest prefix known; NULL: none is, or it is no E.164 number.
CREATE FUNCTION leadwire_phone_zones(phone text) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF phone !~ '^\+[1-9][0-9]{1,14}$' THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT p.zones
              FROM phone_zones p
             WHERE p.prefix = ANY (ARRAY(SELECT substr(phone, 2, n) FROM generate_series(1, length(phone) - 1) AS n))
             ORDER BY length(p.prefix) DESC
             LIMIT 1);
END
$$;

-- A name as the IANA data have them, as the only element; else NULL. (PostgreSQL takes 'UTC+3' too, and means three hours
-- west.)
CREATE FUNCTION leadwire_zone(name text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN name ~ '^[A-Za-z_-]+(/[A-Za-z_-]+){0,2}$'
                  OR name ~ '^(Etc/GMT[+-][0-9]{1,2}|[A-Z]{3}[0-9][A-Z]{3})$' THEN ARRAY[name] END
$$;

-- The first moment from at on that is within the hours in the most of the zones: in all of them where there is such a
-- moment, and so at itself if it is one. The candidates are at and every opening of the next days, as the number of
-- zones that are open grows at no other moment. (An opening time that a change of clocks skips or repeats is the later
-- of the two.) Fails with invalid_parameter_value for a zone that is not known.
CREATE FUNCTION leadwire_allowed_in(zones text[], opens time, closes time, at timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT moment
              FROM (SELECT at AS moment
                    UNION
                    SELECT ((at AT TIME ZONE zone)::date + days + opens) AT TIME ZONE zone
                      FROM unnest(zones) AS zone, generate_series(0, 2) AS days) AS candidates,
                   LATERAL (SELECT count(*) AS n
                              FROM (SELECT (moment AT TIME ZONE zone)::time AS clock
                                      FROM unnest(zones) AS zone) AS clocks
                             WHERE CASE WHEN opens < closes THEN clock >= opens AND clock < closes
                                        ELSE clock >= opens OR clock < closes END) AS open
             WHERE moment >= at
             ORDER BY open.n DESC, moment
             LIMIT 1);
END
$$;

-- at itself where it is within opens..closes at the lead's, else the next moment that is. closes before opens: over
-- midnight; the same: always; NULL: 8:00 and 20:00. zone (the lead's) wins over the number's prefix, and fallback_zone
-- (the client's) counts where neither says anything; a name that is not known counts as none, and if none is left it is
-- UTC. Of several zones the most restrictive holds: the moment is within the hours in each of them. Where they are too
-- far apart for that at any time of day it is the moment that is within the hours in the most.
CREATE FUNCTION leadwire_allowed_at(phone text, zone text, fallback_zone text, opens time, closes time, at timestamptz)
    RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    zones text[];
BEGIN
    opens := coalesce(opens, '08:00');
    closes := coalesce(closes, '20:00');
    IF opens = closes OR NOT isfinite(at) THEN
        RETURN at;
    END IF;
    FOR source IN 1..4 LOOP
        zones := CASE source WHEN 1 THEN leadwire_zone(zone)
                             WHEN 2 THEN leadwire_phone_zones(phone)
                             WHEN 3 THEN leadwire_zone(fallback_zone)
                             ELSE ARRAY['UTC'] END;
        CONTINUE WHEN zones IS NULL;
        BEGIN
            RETURN leadwire_allowed_in(zones, opens, closes, at);
        EXCEPTION WHEN invalid_parameter_value THEN
            -- The next source tells.
        END;
    END LOOP;
END
$$;
