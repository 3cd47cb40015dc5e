/* http_trust.h - the certificates by which https servers are trusted: libcurl's own, or those of SSL_CERT_FILE.
 *
 * They are read once, when the first https request is made. Left to libcurl, each handle reads them for itself: some
 * 25 ms and 900 KB, and each worker thread has a handle. */
#pragma once

#include <curl/curl.h>

/* Makes the handle's next request use them. Not CURLE_OK where libcurl refuses; then it must not be made. */
CURLcode http_trust(CURL *curl);
