/* minilm_file.c - the model's file: mapped, checked, its sections found. models/README.md says what is in it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/minilm_internal.h"

#define MAGIC   "LWMINILM"
#define VERSION 1

enum {
    LAYER_SECTIONS = 10,
    SECTIONS = 6 + LAYER_SECTIONS * MINILM_LAYERS,
    DIGEST_BYTES = 32,
};

struct section {
    uint64_t offset, len;
};

/* The beginning of the file, little-endian as all of it. The digest, SHA-256, is of everything behind it. */
struct header {
    char magic[8];
    uint32_t version, sections;
    uint8_t digest[DIGEST_BYTES];
    uint64_t file_len;
    uint32_t words, hidden, layers, heads, inner, positions;
    struct section section[SECTIONS];
};
_Static_assert(sizeof(struct header) == 80 + 16 * SECTIONS, "as the file has it");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is used as it is mapped");

/* What is being read: the sections one after the other. */
struct reader {
    const char *path;
    const struct header *header;
    size_t next;
    struct err *err;
};

static int damaged(const char *path, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s: %s", path, what);
}

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void digest_free(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

/* Read, not mapped: what is mapped and touched would count as the process's own share of memory from then on. */
static int digest_file(int fd, const char *path, uint8_t ret_digest[DIGEST_BYTES], struct err *err)
{
    AUTO(digest_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    off_t at = offsetof(struct header, file_len);
    char block[16 * 1024];
    ssize_t n;

    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_INTERNAL, "%s: cannot compute its SHA-256", path);
    while ((n = pread(fd, block, sizeof block, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
        if (EVP_DigestUpdate(ctx, block, (size_t)n) != 1)
            return err_set(err, ERR_INTERNAL, "%s: cannot compute its SHA-256", path);
        at += n;
    }
    if (EVP_DigestFinal_ex(ctx, ret_digest, NULL) != 1)
        return err_set(err, ERR_INTERNAL, "%s: cannot compute its SHA-256", path);
    return 0;
}

static int check_header(const struct header *h, size_t len, const char *path, struct err *err)
{
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0)
        return damaged(path, "not a model of Leadwire", err);
    if (h->version != VERSION)
        return err_set(err, ERR_INVALID, "%s: is of version %u, and this program reads version %d", path, h->version,
                       VERSION);
    if (h->file_len != len)
        return err_set(err, ERR_INVALID, "%s: has %zu bytes, and should have %llu", path, len,
                       (unsigned long long)h->file_len);
    if (h->words != MINILM_WORDS || h->hidden != MINILM_DIMS || h->layers != MINILM_LAYERS ||
        h->heads != MINILM_HEADS || h->inner != MINILM_INNER || h->positions != MINILM_TOKENS_MAX ||
        h->sections != SECTIONS)
        return damaged(path, "its sizes are not those of " MINILM_NAME, err);
    return 0;
}

/* The next section, which must have len bytes (0: any number). NULL and *err if it has not, or lies elsewhere than
 * behind the header and within the file. */
static const void *next_section(struct reader *r, size_t len)
{
    const struct section *s = &r->header->section[r->next++];

    if (s->offset % MINILM_ALIGN || s->offset < sizeof *r->header || s->offset > r->header->file_len ||
        s->len > r->header->file_len - s->offset || (len && s->len != len)) {
        err_set(r->err, ERR_INVALID, "%s: its section %zu is out of bounds", r->path, r->next - 1);
        return NULL;
    }
    return (const char *)r->header + s->offset;
}

static int read_table(struct reader *r, size_t rows, struct minilm_table *ret)
{
    return (ret->rows = next_section(r, rows * MINILM_DIMS)) && (ret->scales = next_section(r, rows * sizeof(float)))
               ? 0
               : -1;
}

static int read_norm(struct reader *r, struct minilm_norm *ret)
{
    if (!(ret->factors = next_section(r, 2 * MINILM_DIMS * sizeof(float))))
        return -1;
    ret->offsets = ret->factors + MINILM_DIMS;
    return 0;
}

static int read_linear(struct reader *r, size_t inputs, size_t outputs, struct minilm_linear *ret)
{
    ret->inputs = inputs;
    ret->outputs = outputs;
    if (!(ret->weights = next_section(r, inputs * outputs)) ||
        !(ret->scales = next_section(r, 2 * outputs * sizeof(float))))
        return -1;
    ret->biases = ret->scales + outputs;
    return 0;
}

static int read_layer(struct reader *r, struct minilm_layer *ret)
{
    return read_linear(r, MINILM_DIMS, 3 * MINILM_DIMS, &ret->qkv) < 0 ||
                   read_linear(r, MINILM_DIMS, MINILM_DIMS, &ret->out) < 0 || read_norm(r, &ret->attended) < 0 ||
                   read_linear(r, MINILM_DIMS, MINILM_INNER, &ret->up) < 0 ||
                   read_linear(r, MINILM_INNER, MINILM_DIMS, &ret->down) < 0 || read_norm(r, &ret->fed) < 0
               ? -1
               : 0;
}

/* A word's line is the row of its embedding: with more lines than rows, tokens would point past the table. */
static int check_vocabulary(const struct minilm_weights *w, const char *path, struct err *err)
{
    const char *at = w->vocabulary, *end = w->vocabulary + w->vocabulary_len;
    size_t lines = 0;

    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        lines++;
        at++;
    }
    if (lines != MINILM_WORDS || end[-1] != '\n')
        return damaged(path, "its vocabulary has not as many words as it has vectors for", err);
    return 0;
}

static int read_sections(struct minilm_weights *w, const char *path, struct err *err)
{
    struct reader r = {.path = path, .header = w->map, .err = err};

    if (!(w->vocabulary = next_section(&r, 0)))
        return -1;
    w->vocabulary_len = r.header->section[0].len;
    if (w->vocabulary_len == 0 || check_vocabulary(w, path, err) < 0)
        return w->vocabulary_len ? -1 : damaged(path, "its vocabulary is empty", err);
    if (read_table(&r, MINILM_WORDS, &w->words) < 0 || read_table(&r, MINILM_TOKENS_MAX, &w->positions) < 0 ||
        read_norm(&r, &w->embedded) < 0)
        return -1;
    for (int i = 0; i < MINILM_LAYERS; i++)
        if (read_layer(&r, &w->layers[i]) < 0)
            return -1;
    return 0;
}

static int check_file(int fd, const char *path, size_t *ret_len, struct err *err)
{
    uint8_t digest[DIGEST_BYTES];
    struct header header;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return damaged(path, "not a model of Leadwire", err);
    if (check_header(&header, (size_t)st.st_size, path, err) < 0 || digest_file(fd, path, digest, err) < 0)
        return -1;
    if (memcmp(digest, header.digest, sizeof digest) != 0)
        return damaged(path, "is damaged: its SHA-256 is not the one it was written with", err);
    *ret_len = (size_t)st.st_size;
    return 0;
}

int minilm_map(struct minilm_weights *ret_weights, const char *path, struct err *err)
{
    AUTO(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct minilm_weights w = {0};

    if (check_file(fd, path, &w.map_len, err) < 0)
        return -1;
    w.map = mmap(NULL, w.map_len, PROT_READ, MAP_SHARED, fd, 0);
    if (w.map == MAP_FAILED)
        return err_set(err, ERR_INTERNAL, "%s: cannot be mapped: %s", path, strerror(errno));
    if (read_sections(&w, path, err) < 0) {
        minilm_unmap(&w);
        return -1;
    }
    *ret_weights = w;
    return 0;
}

void minilm_unmap(struct minilm_weights *weights)
{
    if (weights->map)
        munmap(weights->map, weights->map_len);
    weights->map = NULL;
}
