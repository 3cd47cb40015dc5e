/* later_vocabulary.c - see later_vocabulary.h. */
#include "services/orchestrator/later/later_vocabulary.h"

#include <stddef.h>

#define NOON      LATER_NOON
#define MORNING   (9 * 60)
#define AFTERNOON (14 * 60)
#define EVENING   (18 * 60)
#define NIGHT     (19 * 60)

const struct later_meaning later_weekdays[] = {
    {"sunday", 0}, {"monday", 1},    {"tuesday", 2},  {"wednesday", 3}, {"thursday", 4},
    {"friday", 5}, {"saturday", 6},  {"sundays", 0},  {"domingo", 0},   {"lunes", 1},
    {"martes", 2}, {"miercoles", 3}, {"jueves", 4},   {"viernes", 5},   {"sabado", 6},
    {"الاحد", 0},  {"الاثنين", 1},   {"الثلاثاء", 2}, {"الاربعاء", 3},  {"الخميس", 4},
    {"الجمعه", 5}, {"السبت", 6},     {"sat", 6},      {"sun", 0},       {0}};

/* Days from today. */
const struct later_meaning later_days[] = {{"day after tomorrow", 2},
                                           {"tomorrow", 1},
                                           {"pasado manana", 2},
                                           {"manana", 1},
                                           {"بعد غد", 2},
                                           {"بعد بكره", 2},
                                           {"غدا", 1},
                                           {"غد", 1},
                                           {"بكره", 1},
                                           {"بكرا", 1},
                                           {"باكر", 1},
                                           {"today", 0},
                                           {"hoy", 0},
                                           {"اليوم", 0},
                                           {0}};

/* Of the week or month that follows this one. */
const struct later_meaning later_next[] = {
    {"next week", NEXT_WEEK},        {"following week", NEXT_WEEK}, {"proxima semana", NEXT_WEEK},
    {"semana que viene", NEXT_WEEK}, {"semana proxima", NEXT_WEEK}, {"semana entrante", NEXT_WEEK},
    {"الاسبوع القادم", NEXT_WEEK},   {"الاسبوع المقبل", NEXT_WEEK}, {"الاسبوع الجاي", NEXT_WEEK},
    {"next month", NEXT_MONTH},      {"proximo mes", NEXT_MONTH},   {"mes que viene", NEXT_MONTH},
    {"الشهر القادم", NEXT_MONTH},    {"الشهر المقبل", NEXT_MONTH},  {0}};

/* Parts of a day, in minutes. */
const struct later_meaning later_parts[] = {{"in the morning", MORNING},
                                            {"morning", MORNING},
                                            {"por la manana", MORNING},
                                            {"en la manana", MORNING},
                                            {"de la manana", MORNING},
                                            {"صباحا", MORNING},
                                            {"الصبح", MORNING},
                                            {"في الصباح", MORNING},
                                            {"noon", NOON},
                                            {"midday", NOON},
                                            {"lunchtime", NOON},
                                            {"mediodia", NOON},
                                            {"ظهرا", NOON},
                                            {"الظهر", NOON},
                                            {"in the afternoon", AFTERNOON},
                                            {"afternoon", AFTERNOON},
                                            {"por la tarde", AFTERNOON},
                                            {"en la tarde", AFTERNOON},
                                            {"de la tarde", AFTERNOON},
                                            {"esta tarde", AFTERNOON},
                                            {"العصر", AFTERNOON + 120},
                                            {"بعد الظهر", AFTERNOON},
                                            {"in the evening", EVENING},
                                            {"evening", EVENING},
                                            {"مساء", EVENING},
                                            {"المساء", EVENING},
                                            {"at night", NIGHT},
                                            {"night", NIGHT},
                                            {"tonight", NIGHT},
                                            {"tonite", NIGHT},
                                            {"por la noche", NIGHT},
                                            {"de la noche", NIGHT},
                                            {"esta noche", NIGHT},
                                            {"الليله", NIGHT},
                                            {0}};
/* Of those, of today alone. */
const char *const later_todays[] = {"tonight", "tonite", "esta tarde", "esta noche", "الليله", NULL};

const struct later_meaning later_months[] = {{"january", 1},
                                             {"february", 2},
                                             {"march", 3},
                                             {"april", 4},
                                             {"may", 5},
                                             {"june", 6},
                                             {"july", 7},
                                             {"august", 8},
                                             {"september", 9},
                                             {"october", 10},
                                             {"november", 11},
                                             {"december", 12},
                                             {"jan", 1},
                                             {"feb", 2},
                                             {"mar", 3},
                                             {"apr", 4},
                                             {"jun", 6},
                                             {"jul", 7},
                                             {"aug", 8},
                                             {"sep", 9},
                                             {"sept", 9},
                                             {"oct", 10},
                                             {"nov", 11},
                                             {"dec", 12},
                                             {"enero", 1},
                                             {"febrero", 2},
                                             {"marzo", 3},
                                             {"abril", 4},
                                             {"mayo", 5},
                                             {"junio", 6},
                                             {"julio", 7},
                                             {"agosto", 8},
                                             {"septiembre", 9},
                                             {"octubre", 10},
                                             {"noviembre", 11},
                                             {"diciembre", 12},
                                             {"يناير", 1},
                                             {"فبراير", 2},
                                             {"مارس", 3},
                                             {"ابريل", 4},
                                             {"مايو", 5},
                                             {"يونيو", 6},
                                             {"يوليو", 7},
                                             {"اغسطس", 8},
                                             {"سبتمبر", 9},
                                             {"اكتوبر", 10},
                                             {"نوفمبر", 11},
                                             {"ديسمبر", 12},
                                             {0}};

/* In minutes; a month is MONTH. */
const struct later_meaning later_units[] = {{"minute", MINUTE}, {"minutes", MINUTE}, {"min", MINUTE},
                                            {"mins", MINUTE},   {"minuto", MINUTE},  {"minutos", MINUTE},
                                            {"hour", HOUR},     {"hours", HOUR},     {"hr", HOUR},
                                            {"hrs", HOUR},      {"hora", HOUR},      {"horas", HOUR},
                                            {"day", DAY},       {"days", DAY},       {"dia", DAY},
                                            {"dias", DAY},      {"week", WEEK},      {"weeks", WEEK},
                                            {"semana", WEEK},   {"semanas", WEEK},   {"month", MONTH},
                                            {"months", MONTH},  {"mes", MONTH},      {"meses", MONTH},
                                            {"دقيقه", MINUTE},  {"دقايق", MINUTE},   {"ساعه", HOUR},
                                            {"ساعات", HOUR},    {"يوم", DAY},        {"ايام", DAY},
                                            {"اسبوع", WEEK},    {"اسابيع", WEEK},    {"شهر", MONTH},
                                            {"شهور", MONTH},    {"اشهر", MONTH},     {0}};
/* Arabic has a form of its own for two of a thing. */
const struct later_meaning later_pairs[] = {{"ساعتين", HOUR}, {"يومين", DAY}, {"اسبوعين", WEEK}, {"شهرين", MONTH}, {0}};

const struct later_meaning later_numbers[] = {{"a couple of", 2}, {"a couple", 2}, {"couple of", 2}, {"couple", 2},
                                              {"a few", 3},       {"few", 3},      {"unos", 3},      {"unas", 3},
                                              {"un par de", 2},   {"a", 1},        {"an", 1},        {"one", 1},
                                              {"two", 2},         {"three", 3},    {"four", 4},      {"five", 5},
                                              {"six", 6},         {"seven", 7},    {"eight", 8},     {"nine", 9},
                                              {"ten", 10},        {"un", 1},       {"una", 1},       {"dos", 2},
                                              {"tres", 3},        {"cuatro", 4},   {"cinco", 5},     {"seis", 6},
                                              {"siete", 7},       {"ocho", 8},     {"nueve", 9},     {"diez", 10},
                                              {"ثلاث", 3},        {"ثلاثه", 3},    {"اربع", 4},      {"اربعه", 4},
                                              {"خمس", 5},         {"خمسه", 5},     {"نصف", 0},       {0}};
const struct later_meaning later_halves[] = {
    {"half an hour", 30}, {"half hour", 30}, {"media hora", 30}, {"نصف ساعه", 30}, {0}};

/* Before a number of units. */
const char *const later_within[] = {"in about", "in like", "in around", "in maybe", "in",   "within",
                                    "en unos",  "en",      "dentro de", "بعد",      "خلال", NULL};
/* Before an hour. */
const char *const later_at[] = {"at about",  "at around", "at like",    "at",    "after", "around",
                                "about",     "by",        "past",       "a las", "a la",  "despues de las",
                                "sobre las", "الساعه",    "علي الساعه", NULL};
/* Before a day. */
const char *const later_on[] = {"on the",  "on",     "this coming", "this", "coming", "el proximo",
                                "proximo", "el dia", "el",          "la",   "later",  "early",
                                "late",    "of",     "the",         "يوم",  "في",     NULL};
