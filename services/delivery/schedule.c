/* schedule.c - when Twilio is asked what became of a send. */
#include <string.h>

#include "libshared/err.h"
#include "libshared/text.h"
#include "services/delivery/delivery.h"

#define VARIABLE "LEADWIRE_RECONCILE_AFTER_SECONDS"

int look_schedule_parse(const char *text, struct look_schedule *ret_schedule, struct err *err)
{
    struct look_schedule schedule = {0};
    int64_t before = 0;

    for (;;) {
        size_t len = strcspn(text, ",");
        char number[8] = "";
        int64_t seconds;

        if (schedule.n == LOOKS_MAX || len >= sizeof number)
            break;
        memcpy(number, text, len);
        if (!text_to_int(number, before + 1, 86400, &seconds))
            break;
        schedule.after_ms[schedule.n++] = seconds * 1000;
        before = seconds;
        text += len;
        if (*text == '\0' && schedule.n >= 2) {
            *ret_schedule = schedule;
            return 0;
        }
        if (*text == '\0')
            break;
        text++;
    }
    return err_set_field(err, ERR_INVALID, VARIABLE,
                         VARIABLE " must be 2 to %d ascending seconds up to 86400, as in 5,15,60,300", LOOKS_MAX);
}

int64_t look_due_in_ms(const struct look_schedule *schedule, int looks, int64_t elapsed_ms)
{
    if (looks >= schedule->n || schedule->after_ms[looks] <= elapsed_ms)
        return 0;
    return schedule->after_ms[looks] - elapsed_ms;
}
