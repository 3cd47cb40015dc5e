/* prompt_rules.c - see prompt_rules.h. */
#include "services/orchestrator/claude/prompt_rules.h"

#include "libshared/buf.h"
#include "proto/qualification_rules.h"

/* Each condition, and what it is with no_ before it. QUALIFY_SOON has a number of days. */
static const char *const words[QUALIFY_CONDITIONS][2] = {
    [QUALIFY_SERVICE] = {"it is known what they want", "it is not known what they want"},
    [QUALIFY_LISTED_SERVICE] = {"what they want is one of the services", "what they want is none of the services"},
    [QUALIFY_URGENCY] = {"it is known how urgent it is", "it is not known how urgent it is"},
    [QUALIFY_URGENT] = {"it is urgent (high)", "it is not urgent"},
    [QUALIFY_BUDGET] = {"a budget is known", "no budget is known"},
    [QUALIFY_ENOUGH_BUDGET] = {"a budget is known", "no budget is known"}, /* without min_budget */
    [QUALIFY_TIMELINE] = {"it is known when", "it is not known when"},
    [QUALIFY_APPOINTMENT] = {"they want an appointment, or somebody to come", "they want no appointment"},
    [QUALIFY_JUST_LOOKING] = {"they say that they are only looking", "they do not say that they are only looking"},
    [QUALIFY_NOT_INTERESTED] = {"they say that they are not interested",
                                "they do not say that they are not interested"},
    [QUALIFY_NAME] = {"their name is known", "their name is not known"},
    [QUALIFY_EMAIL] = {"their e-mail address is known", "their e-mail address is not known"},
};

static void put_condition(const struct qualification_rules *rules, unsigned condition, int unwanted, struct buf *out)
{
    if (condition == QUALIFY_ENOUGH_BUDGET && rules->min_budget > 0)
        buf_printf(out, "%s %.15g", unwanted ? "the budget does not reach" : "the budget reaches", rules->min_budget);
    else if (condition == QUALIFY_SOON)
        buf_printf(out, "they %swant it within %d days", unwanted ? "do not " : "", rules->soon_days);
    else
        buf_puts(out, words[condition][unwanted]);
}

static void put_score(const char *name, const struct qualification_score *score,
                      const struct qualification_rules *rules, struct buf *out)
{
    if (score->n == 0)
        return;
    buf_printf(out, "%s, if one of these holds:\n", name);
    for (size_t i = 0; i < score->n; i++) {
        const struct qualification_alternative *a = &score->alternatives[i];
        const char *between = "- ";

        for (unsigned condition = 0; condition < QUALIFY_CONDITIONS; condition++)
            for (int unwanted = 0; unwanted < 2; unwanted++)
                if ((unwanted ? a->unwanted : a->wanted) & 1u << condition) {
                    buf_puts(out, between);
                    put_condition(rules, condition, unwanted, out);
                    between = " and ";
                }
        buf_puts(out, "\n");
    }
}

void prompt_rules(const struct qualification_rules *rules, struct buf *out)
{
    put_score("COLD", &rules->cold, rules, out);
    put_score("else HOT", &rules->hot, rules, out);
    put_score("else WARM", &rules->warm, rules, out);
    buf_puts(out, "else COLD.\n");
}
