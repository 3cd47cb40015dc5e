/* claim_word.c - words that promise something: free, discount, guarantee, 24/7. */
#include <string.h>

#include "services/orchestrator/guards/claim_readers.h"

static const struct term promise_terms[] = {{"free", WORD_FREE},
                                            {"complimentary", WORD_FREE},
                                            {"no charge", WORD_FREE},
                                            {"no cost", WORD_FREE},
                                            {"no extra cost", WORD_FREE},
                                            {"no additional cost", WORD_FREE},
                                            {"free of charge", WORD_FREE},
                                            {"costs nothing", WORD_FREE},
                                            {"cost nothing", WORD_FREE},
                                            {"pay nothing", WORD_FREE},
                                            {"nothing to pay", WORD_FREE},
                                            {"no paga nada", WORD_FREE},
                                            {"لا تدفع شييا", WORD_FREE},
                                            {"costs you nothing", WORD_FREE},
                                            {"on the house", WORD_FREE},
                                            {"without charge", WORD_FREE},
                                            {"gratis", WORD_FREE},
                                            {"gratuito", WORD_FREE},
                                            {"gratuita", WORD_FREE},
                                            {"gratuitos", WORD_FREE},
                                            {"gratuitas", WORD_FREE},
                                            {"gratuitamente", WORD_FREE},
                                            {"sin costo", WORD_FREE},
                                            {"sin coste", WORD_FREE},
                                            {"sin cargo", WORD_FREE},
                                            {"no le cuesta nada", WORD_FREE},
                                            {"no te cuesta nada", WORD_FREE},
                                            {"no cuesta nada", WORD_FREE},
                                            {"no le costara nada", WORD_FREE},
                                            {"no le costaria nada", WORD_FREE},
                                            {"no costara nada", WORD_FREE},
                                            {"no le cobramos", WORD_FREE},
                                            {"no cobramos", WORD_FREE},
                                            {"de regalo", WORD_FREE},
                                            {"won't cost you anything", WORD_FREE},
                                            {"won't cost anything", WORD_FREE},
                                            {"doesn't cost anything", WORD_FREE},
                                            {"no fee", WORD_FREE},
                                            {"no fees", WORD_FREE},
                                            {"at zero cost", WORD_FREE},
                                            {"no tiene costo", WORD_FREE},
                                            {"no tiene coste", WORD_FREE},
                                            {"cuesta nada", WORD_FREE},
                                            {"costara nada", WORD_FREE},
                                            {"no se cobra", WORD_FREE},
                                            {"مجاني", WORD_FREE},
                                            {"مجانيه", WORD_FREE},
                                            {"مجانا", WORD_FREE},
                                            {"مجانيا", WORD_FREE},
                                            {"بدون رسوم", WORD_FREE},
                                            {"بدون مقابل", WORD_FREE},
                                            {"بلا مقابل", WORD_FREE},
                                            {"بدون تكلفه", WORD_FREE},
                                            {"بلا رسوم", WORD_FREE},
                                            {"دون مقابل", WORD_FREE},
                                            {"discount", WORD_DISCOUNT},
                                            {"discounts", WORD_DISCOUNT},
                                            {"discounted", WORD_DISCOUNT},
                                            {"rebate", WORD_DISCOUNT},
                                            {"reduced price", WORD_DISCOUNT},
                                            {"descuento", WORD_DISCOUNT},
                                            {"descuentos", WORD_DISCOUNT},
                                            {"rebaja", WORD_DISCOUNT},
                                            {"rebajas", WORD_DISCOUNT},
                                            {"خصم", WORD_DISCOUNT},
                                            {"خصما", WORD_DISCOUNT},
                                            {"خصومات", WORD_DISCOUNT},
                                            {"تخفيض", WORD_DISCOUNT},
                                            {"تخفيضات", WORD_DISCOUNT},
                                            {"حسم", WORD_DISCOUNT},
                                            {"coupon", WORD_COUPON},
                                            {"coupons", WORD_COUPON},
                                            {"voucher", WORD_COUPON},
                                            {"promo code", WORD_COUPON},
                                            {"cupon", WORD_COUPON},
                                            {"cupones", WORD_COUPON},
                                            {"كوبون", WORD_COUPON},
                                            {"قسيمه", WORD_COUPON},
                                            {"special deal", WORD_OFFER},
                                            {"special offer", WORD_OFFER},
                                            {"special price", WORD_OFFER},
                                            {"on sale", WORD_OFFER},
                                            {"promotion", WORD_OFFER},
                                            {"price match", WORD_OFFER},
                                            {"cheaper", WORD_OFFER},
                                            {"promocion", WORD_OFFER},
                                            {"oferta especial", WORD_OFFER},
                                            {"precio especial", WORD_OFFER},
                                            {"عرض خاص", WORD_OFFER},
                                            {"سعر خاص", WORD_OFFER},
                                            {"guarantee", WORD_GUARANTEE},
                                            {"guarantees", WORD_GUARANTEE},
                                            {"guaranteed", WORD_GUARANTEE},
                                            {"warranty", WORD_GUARANTEE},
                                            {"warranties", WORD_GUARANTEE},
                                            {"promise", WORD_GUARANTEE},
                                            {"promised", WORD_GUARANTEE},
                                            {"garantia", WORD_GUARANTEE},
                                            {"garantizamos", WORD_GUARANTEE},
                                            {"garantizado", WORD_GUARANTEE},
                                            {"garantizada", WORD_GUARANTEE},
                                            {"garantizar", WORD_GUARANTEE},
                                            {"garantizo", WORD_GUARANTEE},
                                            {"le aseguramos", WORD_GUARANTEE},
                                            {"ضمان", WORD_GUARANTEE},
                                            {"مضمون", WORD_GUARANTEE},
                                            {"مضمونه", WORD_GUARANTEE},
                                            {"نضمن", WORD_GUARANTEE},
                                            {"lifetime", WORD_LIFETIME},
                                            {"life-long", WORD_LIFETIME},
                                            {"de por vida", WORD_LIFETIME},
                                            {"مدي الحياه", WORD_LIFETIME},
                                            {"lowest price", WORD_BEST_PRICE},
                                            {"best price", WORD_BEST_PRICE},
                                            {"cheapest", WORD_BEST_PRICE},
                                            {"mejor precio", WORD_BEST_PRICE},
                                            {"افضل سعر", WORD_BEST_PRICE},
                                            {"ارخص", WORD_BEST_PRICE},
                                            {"licensed", WORD_LICENSED},
                                            {"certified", WORD_LICENSED},
                                            {"accredited", WORD_LICENSED},
                                            {"licencia", WORD_LICENSED},
                                            {"certificados", WORD_LICENSED},
                                            {"مرخص", WORD_LICENSED},
                                            {"معتمد", WORD_LICENSED},
                                            {"24/7", WORD_ALWAYS},
                                            {"24 hours a day", WORD_ALWAYS},
                                            {"around the clock", WORD_ALWAYS},
                                            {"round the clock", WORD_ALWAYS},
                                            {"day and night", WORD_ALWAYS},
                                            {"las 24 horas", WORD_ALWAYS},
                                            {"24 horas al dia", WORD_ALWAYS},
                                            {"علي مدار الساعه", WORD_ALWAYS},
                                            {"24 ساعه يوميا", WORD_ALWAYS},
                                            {"طوال اليوم", WORD_ALWAYS},
                                            {NULL, 0}};
static struct terms promises = {.list = promise_terms};

/* Half of the price is 50 percent. */
static const struct term half_terms[] = {{"half price", 50},      {"half-price", 50},
                                         {"half off", 50},        {"half the price", 50},
                                         {"mitad de precio", 50}, {"نصف السعر", 50},
                                         {"نصف الثمن", 50},       {NULL, 0}};
static struct terms halves = {.list = half_terms};

/* "Feel free", "are you free on Monday", "free from 15 January": nothing is given away. */
static bool is_at_leisure(const char *text, const char *p)
{
    static const struct term before[] = {{"feel", 0}, {"you", 0}, {"youre", 0}, {"you're", 0}, {NULL, 0}};
    static const struct term behind[] = {{" to", 0},    {" on", 0},   {" at", 0},   {" tomorrow", 0},
                                         {" today", 0}, {" this", 0}, {" next", 0}, {" from", 0},
                                         {" until", 0}, {" date", 0}, {"?", 0},     {NULL, 0}};
    int value;

    return strncasecmp(p, "free of charge", 14) != 0 &&
           (phrase_before(text, p, before) || term_at(p + strlen("free"), behind, &value));
}

/* "10% cheaper": how much is claimed already. */
static bool is_measured(const char *text, const char *p)
{
    static const struct term before[] = {{"%", 0}, {"percent", 0}, {NULL, 0}};

    return phrase_before(text, p, before);
}

size_t read_word(const char *text, const char *p, struct claim *ret)
{
    int value = 0;
    size_t len = phrase_at(p, &halves, &value);

    if (len > 0) {
        *ret = (struct claim){.kind = CLAIM_PERCENT, .value = value};
        return len;
    }
    len = phrase_at(p, &promises, &value);
    if (len == 0 || (word_at(p, "free") && is_at_leisure(text, p)) || (word_at(p, "cheaper") && is_measured(text, p)))
        return 0;
    *ret = (struct claim){.kind = CLAIM_WORD, .value = value};
    return len;
}

const struct term *const word_starts[] = {promise_terms, half_terms, NULL};
