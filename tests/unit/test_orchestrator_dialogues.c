/* The labelled dialogues: what the scripted agent reaches on them is not lost again. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/config.h"
#include "tests/unit/dialoguefix.h"

/* What one half comes to. */
struct tally {
    int dialogues, right, hits, recorded, told, asked_again, two_questions;
};

static void add(struct tally *tally, const json_t *dialogue)
{
    const json_t *slots = json_object_get(dialogue, "slots");

    tally->dialogues++;
    tally->right += json_equal(json_object_get(dialogue, "score"), json_object_get(dialogue, "got_score"));
    tally->asked_again += (int)json_array_size(json_object_get(dialogue, "asked_again"));
    tally->two_questions += json_is_true(json_object_get(dialogue, "two_questions"));
    for (size_t i = 0; dialogue_slots[i]; i++) {
        const char *outcome = json_string_value(json_object_get(json_object_get(slots, dialogue_slots[i]), "outcome"));

        tally->hits += strcmp(outcome, "hit") == 0;
        tally->recorded += strcmp(outcome, "none") != 0 && strcmp(outcome, "missed") != 0;
        tally->told += strcmp(outcome, "none") != 0 && strcmp(outcome, "invented") != 0;
    }
}

static json_t *play_all(void)
{
    static const char *const files[] = {"home_services", "real_estate", "dental", "car_repair", "later"};
    struct config config = {0};
    json_t *all = json_array();
    char path[500];

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        json_auto_t *some = NULL;

        snprintf(path, sizeof path, LEADWIRE_SOURCE_DIR "/tests/bench/dialogues/%s.json", files[i]);
        some = dialogues_play(path, "scripted", &config, NULL);
        json_array_extend(all, some);
    }
    return all;
}

Test(orchestrator_dialogues, scores_and_slots_are_as_good_as_they_were, .timeout = 120)
{
    static const char *const names[] = {"development", "held-out", "later"};
    static const struct {
        int dialogues, right;
        double precision, recall;
    } least[] = {{41, 41, 0.98, 0.98}, {36, 35, 0.96, 0.97}, {19, 17, 0.97, 0.97}};
    struct tally halves[3] = {0};
    json_auto_t *all = play_all();
    json_t *dialogue;
    size_t i;

    json_array_foreach (all, i, dialogue)
        for (size_t k = 0; k < COUNT_OF(names); k++)
            if (strcmp(json_string_value(json_object_get(dialogue, "half")), names[k]) == 0)
                add(&halves[k], dialogue);
    for (i = 0; i < COUNT_OF(names); i++) {
        const struct tally *half = &halves[i];

        cr_expect_geq(half->dialogues, least[i].dialogues);
        cr_expect_geq(half->right, least[i].right, "%d of %d scores", half->right, half->dialogues);
        cr_expect_geq(half->hits, least[i].precision * half->recorded, "%d of %d recorded", half->hits, half->recorded);
        cr_expect_geq(half->hits, least[i].recall * half->told, "%d of %d told", half->hits, half->told);
        cr_expect_eq(half->asked_again, 0);
        cr_expect_eq(half->two_questions, 0);
    }
}

Test(orchestrator_dialogues, the_same_dialogues_are_answered_the_same_way, .timeout = 120)
{
    json_auto_t *first = play_all(), *second = play_all();
    json_t *dialogue;
    size_t i;

    json_array_foreach (first, i, dialogue)
        json_object_del(dialogue, "us");
    json_array_foreach (second, i, dialogue)
        json_object_del(dialogue, "us");
    cr_expect(json_equal(first, second));
}
