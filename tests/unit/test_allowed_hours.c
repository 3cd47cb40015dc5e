/* test_allowed_hours.c - when a lead may be written to unasked. Needs a database. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "testdb.h"

TestSuite(allowed_hours, .timeout = 120);

/* One question: when may we write? Times without a zone are UTC's. */
struct ask {
    const char *phone;
    const char *zone;     /* the lead's, or NULL */
    const char *fallback; /* the client's */
    const char *opens;
    const char *closes;
    const char *at;
    const char *expected;
};

static void check(const struct ask *asks, size_t n)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *pool = db_pool_new(testdb_url(), "leadwire_delivery", 1, &err);

    for (size_t i = 0; i < n; i++) {
        const struct ask *a = &asks[i];
        AUTO(db_result_free) struct db_result *rows = NULL;

        cr_assert_eq(db_run(pool, NULL, &rows, &err,
                            "SELECT to_char(leadwire_allowed_at($1, $2, $3, $4::time, $5::time, $6::timestamptz), "
                            "               'YYYY-MM-DD HH24:MI') AS moment",
                            db_text(a->phone), db_text(a->zone), db_text(a->fallback), db_text(a->opens),
                            db_text(a->closes), db_text(a->at)),
                     1, "%s", err.text);
        cr_expect_str_eq(db_get(rows, 0, "moment"), a->expected, "%s %s %s-%s at %s: %s, not %s", a->phone,
                         a->zone ? a->zone : a->fallback, a->opens, a->closes, a->at, db_get(rows, 0, "moment"),
                         a->expected);
    }
}

Test(allowed_hours, within_them_it_is_at_once_and_outside_at_the_next_opening)
{
    static const struct ask asks[] = {
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-01-15 12:59", "2026-01-15 13:00"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-01-15 13:00", "2026-01-15 13:00"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-01-16 00:59", "2026-01-16 00:59"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-01-16 01:00", "2026-01-16 13:00"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-01-16 04:30", "2026-01-16 13:00"},
        {"+12125550100", NULL, "UTC", "00:00", "24:00", "2026-01-16 04:30", "2026-01-16 04:30"},
        {"+12125550100", NULL, "UTC", "00:00", "00:00", "2026-01-16 04:30", "2026-01-16 04:30"},
        {"+12125550100", NULL, "UTC", "09:00", "09:00", "2026-01-16 04:30", "2026-01-16 04:30"},
        /* No hours given: from 8 to 20. */
        {"+12125550100", NULL, "UTC", NULL, NULL, "2026-01-16 04:30", "2026-01-16 13:00"},
    };

    check(asks, COUNT_OF(asks));
}

Test(allowed_hours, hours_over_midnight)
{
    static const struct ask asks[] = {
        {"+12125550100", NULL, "UTC", "18:00", "02:00", "2026-01-15 22:59", "2026-01-15 23:00"},
        {"+12125550100", NULL, "UTC", "18:00", "02:00", "2026-01-16 06:59", "2026-01-16 06:59"},
        {"+12125550100", NULL, "UTC", "18:00", "02:00", "2026-01-16 07:00", "2026-01-16 23:00"},
        {"+34612345678", NULL, "UTC", "18:00", "02:00", "2026-01-16 01:30", "2026-01-16 18:00"},
    };

    check(asks, COUNT_OF(asks));
}

Test(allowed_hours, the_clocks_change)
{
    static const struct ask asks[] = {
        /* New York, 8 March 2026, 2:00 -> 3:00; 1 November, 2:00 -> 1:00. */
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-03-08 02:00", "2026-03-08 12:00"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-03-08 23:59", "2026-03-08 23:59"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-03-09 00:00", "2026-03-09 12:00"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-10-31 23:59", "2026-10-31 23:59"},
        {"+12125550100", NULL, "UTC", "08:00", "20:00", "2026-11-01 00:00", "2026-11-01 13:00"},
        /* An opening time that is skipped (7:00 UTC is 3:00) or repeated (the second 1:30 is 6:30 UTC). */
        {"+12125550100", NULL, "UTC", "02:00", "20:00", "2026-03-08 05:30", "2026-03-08 07:00"},
        {"+12125550100", NULL, "UTC", "01:30", "20:00", "2026-11-01 04:30", "2026-11-01 06:30"},
        /* Berlin, 29 March 2026, 2:00 -> 3:00; 25 October, 3:00 -> 2:00. */
        {"+4915112345678", NULL, "UTC", "08:00", "20:00", "2026-03-28 20:00", "2026-03-29 06:00"},
        {"+4915112345678", NULL, "UTC", "08:00", "20:00", "2026-03-29 18:00", "2026-03-30 06:00"},
        {"+4915112345678", NULL, "UTC", "08:00", "20:00", "2026-10-24 19:00", "2026-10-25 07:00"},
        {"+4915112345678", NULL, "UTC", "08:00", "20:00", "2026-10-25 18:59", "2026-10-25 18:59"},
        /* Phoenix has no summer time; Algiers none either, unlike Paris. */
        {"+16025550100", NULL, "UTC", "08:00", "20:00", "2026-07-15 10:00", "2026-07-15 15:00"},
        {"+213551234567", NULL, "UTC", "08:00", "20:00", "2026-07-15 06:30", "2026-07-15 07:00"},
    };

    check(asks, COUNT_OF(asks));
}

Test(allowed_hours, what_the_number_tells)
{
    static const struct ask asks[] = {
        /* The United Arab Emirates, Saudi Arabia, Egypt (winter and summer). */
        {"+971501234567", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 04:00"},
        {"+971501234567", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 16:00", "2026-01-16 04:00"},
        {"+966501234567", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 05:00"},
        {"+201001234567", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 06:00"},
        {"+201001234567", NULL, "America/New_York", "08:00", "20:00", "2026-07-15 01:00", "2026-07-15 05:00"},
        /* A longer prefix: Perth, Vladivostok. An Australian mobile may be anywhere from Lord Howe to the Cocos
           Islands. */
        {"+61892345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 13:00", "2026-01-16 00:00"},
        {"+74232123456", NULL, "UTC", "08:00", "20:00", "2026-01-15 13:00", "2026-01-15 22:00"},
        {"+61412345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 13:00", "2026-01-16 01:30"},
        /* Spain: a mobile may be on the Canaries, an hour behind; a number of Madrid is not, one of Las Palmas is. */
        {"+34612345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 07:00", "2026-01-15 08:00"},
        {"+34612345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 18:59", "2026-01-15 18:59"},
        {"+34612345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 19:00", "2026-01-16 08:00"},
        {"+34912345678", NULL, "UTC", "08:00", "20:00", "2026-01-15 06:00", "2026-01-15 07:00"},
        {"+34928123456", NULL, "UTC", "08:00", "20:00", "2026-01-15 06:00", "2026-01-15 08:00"},
        /* Toll-free, and an area code that nobody has: the whole plan, from St. John's (closed at 23:30) to Guam (opens
         * at 22:00). */
        {"+18005550100", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 15:00", "2026-01-15 22:00"},
        {"+18005550100", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 23:29", "2026-01-15 23:29"},
        {"+18005550100", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 23:30", "2026-01-16 22:00"},
        {"+19995550100", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 15:00", "2026-01-15 22:00"},
        /* Too far apart for 10 to 16 o'clock: when most of them are open, which is from Alaska's or Winnipeg's hours
           on. */
        {"+18005550100", NULL, "America/New_York", "10:00", "16:00", "2026-01-15 03:00", "2026-01-15 19:00"},
        /* Of no country. */
        {"+80012345678", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 03:00", "2026-01-15 13:00"},
        {"+883510012345", NULL, "America/New_York", "08:00", "20:00", "2026-01-15 03:00", "2026-01-15 13:00"},
    };

    check(asks, COUNT_OF(asks));
}

Test(allowed_hours, the_leads_own_zone_wins_and_an_unknown_one_does_not_count)
{
    static const struct ask asks[] = {
        {"+12125550100", "America/Los_Angeles", "UTC", "08:00", "20:00", "2026-01-15 14:00", "2026-01-15 16:00"},
        {"+12125550100", "asia/dubai", "UTC", "08:00", "20:00", "2026-01-15 14:00", "2026-01-15 14:00"},
        {"+12125550100", "Mars/Phobos", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "UTC+3", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "+03:00", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "Foo/Bar5", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "../../etc/passwd", "UTC", "08:00", "20:00", "2026-01-15 10:00", "2026-01-15 13:00"},
        {"+12125550100", "Etc/GMT-4", "UTC", "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 04:00"},
        {"", "Mars/Phobos", "Moon/Crater", "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 08:00"},
        {NULL, NULL, NULL, "08:00", "20:00", "2026-01-15 01:00", "2026-01-15 08:00"},
    };

    check(asks, COUNT_OF(asks));
}

Test(allowed_hours, what_is_no_number_has_the_clients_zone)
{
    static const char *const phones[] = {"",        "+",        "12125550100",       "+1212555x100", "unknown",
                                         "+012345", "web:12-3", "+1234567890123456", "+1 212",       "٠١٢٣"};
    struct ask asks[COUNT_OF(phones)];

    for (size_t i = 0; i < COUNT_OF(phones); i++)
        asks[i] =
            (struct ask){phones[i], NULL, "America/Denver", "08:00", "20:00", "2026-01-15 03:00", "2026-01-15 15:00"};
    check(asks, COUNT_OF(asks));
}

/* Whether the moment is within the hours in all of the zones, told in another way than the migration's. */
static const char all_open[] =
    "CREATE FUNCTION pg_temp.all_open(zones text[], opens time, closes time, moment timestamptz) RETURNS boolean"
    " LANGUAGE plpgsql AS $$"
    " DECLARE zone text; clock time;"
    " BEGIN"
    "  FOREACH zone IN ARRAY zones LOOP"
    "   clock := (moment AT TIME ZONE zone)::time;"
    "   IF opens < closes AND (clock < opens OR clock >= closes) THEN RETURN false; END IF;"
    "   IF opens > closes AND clock < opens AND clock >= closes THEN RETURN false; END IF;"
    "  END LOOP;"
    "  RETURN true;"
    " END $$";

/* Numbers of random prefixes, random hours (a third of them over midnight), random moments of two years. */
static const char random_questions[] =
    "CREATE TEMP TABLE answered AS"
    " WITH prefixes AS (SELECT array_agg(prefix ORDER BY prefix) AS p FROM phone_zones),"
    "      asked AS MATERIALIZED ("
    "   SELECT '+' || rpad(p[1 + floor(random() * array_length(p, 1))::int], 11, '5') AS phone,"
    "          time '05:00' + random() * interval '5 hours' AS morning,"
    "          time '17:00' + random() * interval '6 hours' AS evening, random() < 0.3 AS over_midnight,"
    "          timestamptz '2026-01-01' + random() * interval '2 years' AS at"
    "     FROM prefixes, generate_series(1, 1000)),"
    "      hours AS (SELECT phone, at, CASE WHEN over_midnight THEN evening ELSE morning END AS opens,"
    "                       CASE WHEN over_midnight THEN morning ELSE evening END AS closes FROM asked)"
    " SELECT *, leadwire_allowed_at(phone, NULL, 'UTC', opens, closes, at) AS moment,"
    "        leadwire_phone_zones(phone) AS zones FROM hours";

/* early: before at. closed: not within the hours everywhere, though a moment of the next day is. late: not the first.
 */
static const char judged[] =
    "SELECT count(*) AS n, count(*) FILTER (WHERE moment IS NULL OR moment < at) AS early,"
    "       count(*) FILTER (WHERE NOT open AND missed IS NOT NULL) AS closed,"
    "       count(*) FILTER (WHERE open AND missed < moment) AS late"
    "  FROM (SELECT *, pg_temp.all_open(zones, opens, closes, moment) AS open,"
    "               (SELECT min(t) FROM generate_series(at, at + interval '1 day', interval '10 minutes') AS t"
    "                 WHERE pg_temp.all_open(zones, opens, closes, t)) AS missed"
    "          FROM answered) AS each";

Test(allowed_hours, the_moment_is_the_first_that_is_within_the_hours_in_every_zone)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *pool = db_pool_new(testdb_url(), NULL, 1, &err);
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, &err);
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(tx, "%s", err.text);
    cr_assert_geq(db_query(tx, NULL, &err, "SELECT setseed(0.5)"), 0, "%s", err.text);
    cr_assert_geq(db_query(tx, NULL, &err, all_open), 0, "%s", err.text);
    cr_assert_geq(db_query(tx, NULL, &err, random_questions), 0, "%s", err.text);
    cr_assert_eq(db_query(tx, &rows, &err, judged), 1, "%s", err.text);
    cr_expect_eq(db_get_int(rows, 0, "n"), 1000);
    cr_expect_eq(db_get_int(rows, 0, "early"), 0);
    cr_expect_eq(db_get_int(rows, 0, "closed"), 0);
    cr_expect_eq(db_get_int(rows, 0, "late"), 0);
}

Test(allowed_hours, every_zone_is_known_to_this_server)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *pool = db_pool_new(testdb_url(), "leadwire_delivery", 1, &err);
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert_eq(db_run(pool, NULL, &rows, &err,
                        "SELECT count(*) AS rows, count(DISTINCT zone) FILTER (WHERE zone NOT IN"
                        "       (SELECT name FROM pg_timezone_names)) AS unknown,"
                        "       count(*) FILTER (WHERE leadwire_zone(zone) IS NULL) AS refused,"
                        "       max(length(prefix)) AS longest FROM phone_zones, unnest(zones) AS zone"),
                 1, "%s", err.text);
    cr_expect_gt(db_get_int(rows, 0, "rows"), 3000);
    cr_expect_eq(db_get_int(rows, 0, "unknown"), 0);
    cr_expect_eq(db_get_int(rows, 0, "refused"), 0);
    cr_expect_leq(db_get_int(rows, 0, "longest"), 15);
    cr_expect_eq(db_run(pool, NULL, NULL, NULL, "DELETE FROM phone_zones"), -1);
}
