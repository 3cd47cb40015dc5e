/* leadwire-bench-signature - how long the check of a webhook's signature takes.
 *
 * Prints one JSON object: microseconds of the thread's CPU for one check of a text as Twilio posts it, the median of
 * several rounds: where the address is signed as PUBLIC_URL says, where it is with its port, and where the signature is
 * wrong. Reading the form is not part of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/seal.h"
#include "services/gateway/twilio_signature.h"

#define TOKEN  "0123456789abcdef0123456789abcdef"
#define URL    "https://leads.example.com"
#define TARGET "/api/v1/webhooks/twilio/sms"
#define BODY                                                                                                     \
    "ToCountry=US&ToState=CA&SmsMessageSid=SM0123456789abcdef0123456789abcdef&NumMedia=0&ToCity=&FromZip=94107&" \
    "SmsSid=SM0123456789abcdef0123456789abcdef&FromState=CA&SmsStatus=received&FromCity=SAN+FRANCISCO&"          \
    "Body=Hi%2C+my+water+heater+is+leaking.+Can+somebody+come+out+today%3F&FromCountry=US&To=%2B15550100000&"    \
    "ToZip=&NumSegments=1&MessageSid=SM0123456789abcdef0123456789abcdef&"                                        \
    "AccountSid=AC0123456789abcdef0123456789abcdef&From=%2B15557654321&ApiVersion=2010-04-01"

enum { ROUNDS = 9, CHECKS = 20000 };

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double measure(const char *signature, bool valid)
{
    double rounds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_destroy) struct arena *arena = arena_new((size_t)64 * 1024 * 1024); /* of all checks together */
        struct twilio_request request = {.public_url = URL, .target = TARGET};
        struct form form;
        double began;

        if (!arena || form_parse(BODY, strlen(BODY), arena, &form, NULL) < 0)
            abort();
        request.form = &form;
        began = cpu_us();
        for (int j = 0; j < CHECKS; j++)
            if (twilio_signature_valid(TOKEN, &request, signature, arena) != valid)
                abort();
        rounds[i] = (cpu_us() - began) / CHECKS;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_value);
    return rounds[ROUNDS / 2];
}

int main(void)
{
    static const char fields[] = TARGET
        "AccountSidAC0123456789abcdef0123456789abcdefApiVersion2010-04-01BodyHi, my water heater is leaking. Can "
        "somebody "
        "come out today?From+15557654321FromCitySAN FRANCISCOFromCountryUSFromStateCAFromZip94107MessageSid"
        "SM0123456789abcdef0123456789abcdefNumMedia0NumSegments1SmsMessageSidSM0123456789abcdef0123456789abcdefSmsSid"
        "SM0123456789abcdef0123456789abcdefSmsStatusreceivedTo+15550100000ToCityToCountryUSToStateCAToZip";
    char plain[1024], ported[1024], signature[29], with_port[29];

    snprintf(plain, sizeof plain, URL "%s", fields);
    snprintf(ported, sizeof ported, URL ":443%s", fields);
    hmac_sha1_base64(TOKEN, plain, strlen(plain), signature);
    hmac_sha1_base64(TOKEN, ported, strlen(ported), with_port);
    printf("{\"right_us\": %.2f, \"with_port_us\": %.2f, \"wrong_us\": %.2f}\n", measure(signature, true),
           measure(with_port, true), measure("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false));
    return 0;
}
