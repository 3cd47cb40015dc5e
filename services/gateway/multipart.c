/* multipart.c - see multipart.h.
 *
 * A body is a row of delimiters ("--" and the boundary at the beginning of a
 * line) with parts between them; what stands before the first and behind the
 * last is ignored. */
#include "services/gateway/multipart.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/text.h"

#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */
#define BOUNDARY_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=? " /* RFC 2046, bchars */

/* What is left of the body. */
struct scan {
    const char *at, *end;
    char delimiter[BOUNDARY_MAX + 5]; /* CR LF "--" boundary */
    size_t delimiter_len;
    struct arena *arena;
    size_t part; /* from 1, for messages */
};

struct param {
    const char *name, *value;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "no memory for a multipart body");
}

/* ---- "; name=value" and "; name=\"value\"" ---- */

/* The length of a quoted text up to its closing quote, which at does not include; -1 if it has none. */
static long quoted_len(const char *at)
{
    long n = 0;

    for (; at[n] && at[n] != '"'; n++)
        if (at[n] == '\\' && (at[n + 1] == '"' || at[n + 1] == '\\'))
            n++;
    return at[n] ? n : -1;
}

/* Clients write a quote as \" (RFC 9110) or %22 (HTML). Any other backslash is one: old ones send whole paths. */
static char *unquote(const char *at, size_t len, struct arena *arena)
{
    char *out = arena_alloc(arena, len + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < len; i++) {
        if (at[i] == '\\' && i + 1 < len && (at[i + 1] == '"' || at[i + 1] == '\\')) {
            out[n++] = at[++i];
        } else if (len - i >= 3 && memcmp(at + i, "%22", 3) == 0) {
            out[n++] = '"';
            i += 2;
        } else {
            out[n++] = at[i];
        }
    }
    return out;
}

/* Reads the next parameter and moves *at_p behind it. 1, 0 at the end, -1 with what is wrong. */
static int next_param(const char **at_p, struct arena *arena, struct param *ret_param, struct err *err)
{
    const char *at = *at_p + strspn(*at_p, " \t");
    long len;

    if (*at && *at != ';')
        return err_set(err, ERR_INVALID, "a parameter does not begin with ';'");
    at += strspn(at, "; \t");
    if (!*at)
        return 0;
    len = (long)strcspn(at, "=; \t\"");
    if (len == 0 || at[len] != '=')
        return err_set(err, ERR_INVALID, "a parameter is not name=value");
    ret_param->name = arena_strndup(arena, at, (size_t)len);
    at += len + 1;
    if (*at == '"') {
        if ((len = quoted_len(++at)) < 0)
            return err_set(err, ERR_INVALID, "a quoted parameter has no end");
        ret_param->value = unquote(at, (size_t)len, arena);
        at += len + 1;
    } else {
        len = (long)strcspn(at, "; \t\"");
        ret_param->value = arena_strndup(arena, at, (size_t)len);
        at += len;
    }
    if (!ret_param->name || !ret_param->value)
        return no_memory(err);
    *at_p = at;
    return 1;
}

/* Sets *value_p to the value of a parameter that may be given once. */
static int take_once(const struct param *param, const char **value_p, struct err *err)
{
    if (*value_p)
        return err_set(err, ERR_INVALID, "the parameter %s is given twice", param->name);
    *value_p = param->value;
    return 0;
}

/* ---- the boundary ---- */

static int check_boundary(const char *boundary, struct err *err)
{
    size_t len = boundary ? strlen(boundary) : 0;

    if (!boundary)
        return err_set(err, ERR_INVALID, "Content-Type: multipart/form-data needs a boundary");
    if (len < 1 || len > BOUNDARY_MAX || strspn(boundary, BOUNDARY_CHARS) != len || boundary[len - 1] == ' ')
        return err_set(err, ERR_INVALID, "Content-Type: a boundary has 1 to %d letters, digits and '()+_,-./:=?",
                       BOUNDARY_MAX);
    return 0;
}

static int read_boundary(const char *content_type, struct scan *scan, struct err *err)
{
    const char *at = content_type + strcspn(content_type, ";"), *boundary = NULL;
    struct param param;
    struct err why = {0};
    int rc;

    while ((rc = next_param(&at, scan->arena, &param, &why)) > 0)
        if (strcasecmp(param.name, "boundary") == 0 && (rc = take_once(&param, &boundary, &why)) < 0)
            break;
    if (rc < 0)
        return err_set(err, why.kind, "Content-Type: %s", why.text);
    if (check_boundary(boundary, err) < 0)
        return -1;
    scan->delimiter_len = (size_t)snprintf(scan->delimiter, sizeof scan->delimiter, "\r\n--%s", boundary);
    return 0;
}

/* ---- delimiters ---- */

static size_t left(const struct scan *scan)
{
    return (size_t)(scan->end - scan->at);
}

/* The next delimiter from scan->at on; NULL if there is none. */
static const char *find_delimiter(const struct scan *scan)
{
    return memmem(scan->at, left(scan), scan->delimiter, scan->delimiter_len);
}

/* Goes behind the first delimiter, which may stand at the very beginning, without CR LF. */
static int skip_preamble(struct scan *scan, struct err *err)
{
    const char *found;
    size_t len = scan->delimiter_len - 2;

    if (left(scan) >= len && memcmp(scan->at, scan->delimiter + 2, len) == 0) {
        scan->at += len;
        return 0;
    }
    if ((found = find_delimiter(scan))) {
        scan->at = found + scan->delimiter_len;
        return 0;
    }
    if (memmem(scan->at, left(scan), scan->delimiter + 1, scan->delimiter_len - 1))
        return err_set(err, ERR_INVALID, "the lines of a multipart body end with CR LF, not with LF alone");
    return err_set(err, ERR_INVALID, "the boundary that Content-Type names does not occur in the body");
}

/* Reads what stands behind a delimiter in its line. 1: a part follows; 0: that was the last one. */
static int end_delimiter(struct scan *scan, struct err *err)
{
    bool last = left(scan) >= 2 && memcmp(scan->at, "--", 2) == 0;

    if (last)
        scan->at += 2;
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
        scan->at++;
    if (last && scan->at == scan->end)
        return 0;
    if (left(scan) >= 2 && memcmp(scan->at, "\r\n", 2) == 0) {
        scan->at += 2;
        return !last;
    }
    if (scan->at == scan->end)
        return err_set(err, ERR_INVALID, "the body ends before its closing boundary");
    if (*scan->at == '\n')
        return err_set(err, ERR_INVALID, "the lines of a multipart body end with CR LF, not with LF alone");
    return err_set(err, ERR_INVALID, "behind part %zu a line begins with the boundary and goes on", scan->part);
}

/* ---- the headers of a part ---- */

static int bad_part(const struct scan *scan, struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "part %zu: %s", scan->part, what);
}

static bool is_clean(const char *text)
{
    return utf8_valid(text, strlen(text)) && !text_has_control(text);
}

static int read_disposition(const struct scan *scan, const char *value, struct multipart_part *part, struct err *err)
{
    size_t len = strcspn(value, "; \t");
    const char *at = value + len;
    struct param param;
    struct err why = {0};
    int rc;

    if (part->name)
        return bad_part(scan, err, "Content-Disposition is given twice");
    if (len != strlen("form-data") || strncasecmp(value, "form-data", len) != 0)
        return bad_part(scan, err, "Content-Disposition must be form-data");
    while ((rc = next_param(&at, scan->arena, &param, &why)) > 0) {
        if (strcasecmp(param.name, "name") == 0)
            rc = take_once(&param, &part->name, &why);
        else if (strcasecmp(param.name, "filename") == 0)
            rc = take_once(&param, &part->filename, &why);
        if (rc < 0)
            break;
    }
    if (rc < 0 && why.kind == ERR_INTERNAL)
        return no_memory(err);
    if (rc < 0)
        return bad_part(scan, err, why.text);
    if (!part->name || !*part->name)
        return bad_part(scan, err, "Content-Disposition has no name");
    if (!is_clean(part->name) || (part->filename && !is_clean(part->filename)))
        return bad_part(scan, err, "its name or file name is not UTF-8 without control characters");
    return 0;
}

static int read_encoding(const struct scan *scan, const char *value, struct err *err)
{
    if (strcasecmp(value, "binary") == 0 || strcasecmp(value, "8bit") == 0 || strcasecmp(value, "7bit") == 0)
        return 0;
    return bad_part(scan, err, "Content-Transfer-Encoding: the bytes must come as they are, not encoded");
}

/* One header line, without its CR LF. Those that are not known say nothing here (RFC 7578, 4.8). */
static int read_header(const struct scan *scan, const char *line, size_t len, struct multipart_part *part,
                       struct err *err)
{
    char *text = arena_strndup(scan->arena, line, len), *colon, *value;

    if (!text)
        return no_memory(err);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
            return bad_part(scan, err, "a header has a control character");
    if (!(colon = strchr(text, ':')) || colon == text || strcspn(text, " \t") < (size_t)(colon - text))
        return bad_part(scan, err, "a header is not \"name: value\" in one line");
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
        value[n - 1] = '\0';
    if (strcasecmp(text, "Content-Disposition") == 0)
        return read_disposition(scan, value, part, err);
    if (strcasecmp(text, "Content-Transfer-Encoding") == 0)
        return read_encoding(scan, value, err);
    if (strcasecmp(text, "Content-Type") != 0)
        return 0;
    if (part->content_type)
        return bad_part(scan, err, "Content-Type is given twice");
    if (!is_clean(value))
        return bad_part(scan, err, "its Content-Type is not UTF-8 without control characters");
    part->content_type = value;
    return 0;
}

/* What stands between two delimiters: header lines, an empty line, the data. */
static int read_part(const struct scan *scan, const char *block, size_t len, struct multipart_part *part,
                     struct err *err)
{
    const char *end = block + len, *line_end;
    size_t headers_left = MULTIPART_HEADERS_MAX;

    *part = (struct multipart_part){0};
    for (;;) {
        size_t window = (size_t)(end - block) < headers_left + 2 ? (size_t)(end - block) : headers_left + 2;

        if (!(line_end = memmem(block, window, "\r\n", 2)))
            return bad_part(scan, err,
                            window > headers_left ? "its headers are longer than 4096 bytes"
                                                  : "no empty line (CR LF) stands behind its headers");
        if (line_end == block)
            break;
        if (read_header(scan, block, (size_t)(line_end - block), part, err) < 0)
            return -1;
        headers_left -= (size_t)(line_end - block);
        block = line_end + 2;
    }
    if (!part->name)
        return bad_part(scan, err, "Content-Disposition is missing");
    part->data = line_end + 2;
    part->len = (size_t)(end - part->data);
    return 0;
}

/* ---- the whole ---- */

int multipart_parse(const char *content_type, const char *body, size_t len, struct arena *arena,
                    struct multipart *ret_multipart, struct err *err)
{
    struct scan scan = {.at = body, .end = body + len, .arena = arena};
    struct multipart found = {.n = 0};
    int more;

    if (read_boundary(content_type, &scan, err) < 0 || skip_preamble(&scan, err) < 0)
        return -1;
    while ((more = end_delimiter(&scan, err)) > 0) {
        const char *next = find_delimiter(&scan);

        scan.part++;
        if (!next)
            return err_set(err, ERR_INVALID, "the body ends before its closing boundary");
        if (found.n == MULTIPART_PARTS_MAX)
            return err_set(err, ERR_INVALID, "a body may have %d parts at most", MULTIPART_PARTS_MAX);
        if (read_part(&scan, scan.at, (size_t)(next - scan.at), &found.parts[found.n], err) < 0)
            return -1;
        found.n++;
        scan.at = next + scan.delimiter_len;
    }
    if (more < 0)
        return -1;
    if (found.n == 0)
        return err_set(err, ERR_INVALID, "the multipart body has no parts");
    *ret_multipart = found;
    return 0;
}
