/* http_trust.c - see http_trust.h. */
#include "libshared/http_trust.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/log.h"

static X509_STORE *store; /* never freed: it is the process's */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    const char *file = getenv("SSL_CERT_FILE");

    if (!curl->ssl_version || strncmp(curl->ssl_version, "OpenSSL/", 8) != 0)
        return; /* another library's libcurl keeps its own */
    if (!(store = X509_STORE_new()))
        return;
    if (X509_STORE_load_locations(store, file ? file : curl->cainfo, file ? NULL : curl->capath) != 1)
        log_error("https: no trusted certificates could be read", log_str("file", file ? file : curl->cainfo));
}

static CURLcode use_store(CURL *curl, void *ssl_ctx, void *arg)
{
    (void)curl;
    (void)arg;
    SSL_CTX_set1_cert_store(ssl_ctx, store);
    return CURLE_OK;
}

CURLcode http_trust(CURL *curl)
{
    CURLcode code;

    pthread_once(&once, load);
    if (!store)
        return CURLE_OK;
    if ((code = curl_easy_setopt(curl, CURLOPT_CAINFO, NULL)) != CURLE_OK ||
        (code = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL)) != CURLE_OK)
        return code;
    return curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, use_store);
}
