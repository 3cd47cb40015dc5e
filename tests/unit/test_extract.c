#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/child.h"
#include "services/knowledge/ingest/extract.h"

static struct extracted got;
static struct err err;
static struct arena *arena;
static struct child child;
static char *kept; /* the last page that was put together */

static void release(void)
{
    arena_destroy(&arena);
    child_free(&child);
    free(kept);
}

TestSuite(extract, .timeout = 120, .fini = release);

static int extract(const char *data, size_t len, const char *type, const char *name)
{
    arena_destroy(&arena);
    arena = arena_new(512 << 20);
    err = (struct err){0};
    return extract_text(data, len, type, name, arena, &got, &err);
}

static int extract_str(const char *data, const char *type, const char *name)
{
    return extract(data, strlen(data), type, name);
}

static int extract_file(const char *file, const char *type)
{
    static char data[65536];
    char path[512];
    FILE *in;
    size_t len;

    snprintf(path, sizeof path, "%s/tests/unit/data/%s", LEADWIRE_SOURCE_DIR, file);
    in = fopen(path, "rb");
    cr_assert(in != NULL, "%s", path);
    len = fread(data, 1, sizeof data, in);
    fclose(in);
    return extract(data, len, type, file);
}

static const char *html(const char *page)
{
    cr_assert(eq(int, extract_str(page, "text/html", NULL), 0), "%s", err.text);
    return got.text;
}

static bool holds(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static void expect_refused(int rc, const char *field, const char *text)
{
    cr_expect(eq(int, rc, -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, (char *)field));
    cr_expect(holds(err.text, text), "%s", err.text);
}

/* count times part, between before and after. */
static const char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t n = strlen(part), at = strlen(before);

    free(kept);
    kept = malloc(at + n * count + strlen(after) + 1);
    memcpy(kept, before, at);
    for (size_t i = 0; i < count; i++)
        memcpy(kept + at + i * n, part, n);
    strcpy(kept + at + n * count, after);
    return kept;
}

/* ---- which type ---- */

Test(extract, the_declared_type_counts_and_its_parameters_do_not)
{
    cr_assert(eq(int, extract_str("<html>x", "Text/Plain; charset=latin1", "a.html"), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/plain"));
    cr_expect(eq(str, (char *)got.text, "<html>x"));
    cr_expect(not(got.is_markdown));
    cr_assert(eq(int, extract_str("# x", "text/x-markdown", NULL), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/markdown"));
    cr_expect(got.is_markdown);
}

Test(extract, without_a_type_the_first_bytes_tell_then_the_name)
{
    cr_assert(eq(int, extract_str("\xef\xbb\xbf <!-- c --><!DOCTYPE html><p>x", NULL, "a.txt"), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/html"));
    cr_assert(eq(int, extract_str("<p>x", "application/octet-stream", "A.HTM"), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/html"));
    cr_assert(eq(int, extract_str("# x", "", "notes.markdown"), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/markdown"));
    cr_assert(eq(int, extract_str("# x", NULL, NULL), 0));
    cr_expect(eq(str, (char *)got.content_type, "text/plain"));
    cr_assert(eq(int, extract_file("plain.pdf", NULL), 0));
    cr_expect(eq(str, (char *)got.content_type, "application/pdf"));
}

Test(extract, other_types_are_refused_with_those_that_are_supported)
{
    expect_refused(extract_str("x", "application/msword", "a.txt"), "content_type",
                   "application/msword is not supported: text/plain, text/markdown, text/html and application/pdf are");
    expect_refused(extract("PK\3\4xyz", 7, NULL, "a.docx"), "content", "ZIP or Office");
}

Test(extract, a_type_that_contradicts_the_bytes_is_refused)
{
    expect_refused(extract_file("plain.pdf", "text/plain"), "content_type", "a PDF, but was posted as text/plain");
    expect_refused(extract_str("hello", "application/pdf", NULL), "content_type", "not a PDF");
    expect_refused(extract_str("hello", NULL, "a.pdf"), "content", "not a PDF");
}

/* ---- text ---- */

Test(extract, ends_of_lines_become_one_and_the_mark_goes)
{
    cr_assert(eq(int,
                 extract_str("\xef\xbb\xbf"
                             "a\r\nb\rc\n",
                             "text/plain", NULL),
                 0));
    cr_expect(eq(str, (char *)got.text, "a\nb\nc\n"));
}

Test(extract, utf16_with_a_mark_is_converted)
{
    cr_assert(eq(int, extract("\xff\xfeh\0\xe4\0", 6, NULL, NULL), 0), "%s", err.text);
    cr_expect(eq(str, (char *)got.text, "h\xc3\xa4"));
    cr_assert(eq(int, extract("\xfe\xff\0h\0i", 6, "text/plain", NULL), 0), "%s", err.text);
    cr_expect(eq(str, (char *)got.text, "hi"));
    expect_refused(extract("\xff\xfeh\0\x00\xd8", 6, NULL, NULL), "content",
                   "byte 2 is not valid in its charset UTF-16LE");
}

Test(extract, what_is_no_text_is_refused_at_its_byte)
{
    expect_refused(extract("ab\0c", 4, "text/plain", NULL), "content", "byte 2 is a NUL");
    expect_refused(extract_str("ab\xc3\xa4 \xff", NULL, NULL), "content", "not valid UTF-8: byte 5 is 0xff");
    expect_refused(extract_str("\xef\xbb\xbf"
                               "ab\xc3",
                               NULL, NULL),
                   "content", "not valid UTF-8: byte 5 is 0xc3");
    expect_refused(extract_str(repeated("", "\1a", 50, ""), NULL, NULL), "content", "control characters");
    expect_refused(extract_str("", NULL, NULL), "content", "empty");
    expect_refused(extract_str(" \r\n\t \xc2\xa0", NULL, NULL), "content", "only blanks");
}

/* ---- HTML ---- */

Test(extract, headings_paragraphs_and_breaks_stay)
{
    cr_expect(eq(
        str,
        (char *)html(
            "<title> A &amp;\n B </title><h1>One <em>two</em></h1><p>a  b<br>c&nbsp;d &eacute;<div>e</div>f<h3>x<br>y"),
        "# One two\n\na b\nc d \xc3\xa9\n\ne\n\nf\n\n### x y"));
    cr_expect(eq(str, (char *)got.title, "A & B"));
    cr_expect(got.is_markdown);
}

Test(extract, lists_are_nested_and_numbered)
{
    cr_expect(eq(str,
                 (char *)html("<p>x<ul><li>a<ul><li>b</li></ul></li><li></li><li>c</ul><ol start=9><li>d<li>e</ol>"),
                 "x\n\n- a\n  - b\n- c\n\n9. d\n10. e"));
}

Test(extract, a_table_has_a_header_and_a_line_a_row)
{
    cr_expect(eq(str, (char *)html("<table><tr><th>S<th>P</tr><tr><td>a|b<td>1<br>2</tr><tr><td><td>3</table>z"),
                 "| S | P |\n| --- | --- |\n| a\\|b | 1 2 |\n| | 3 |\n\nz"));
}

Test(extract, a_table_that_lays_out_the_page_is_none)
{
    cr_expect(eq(str, (char *)html("<table><tr><td><h2>H</h2><p>a</td><td>b</td></tr></table>"), "## H\n\na\n\nb"));
    cr_expect(eq(str, (char *)html("<table><tr><td><table><tr><td>a<td>b</table></td><td>c</table>"),
                 "| a | b |\n| --- | --- |\n\nc"));
}

Test(extract, quotes_code_and_definitions_stay)
{
    cr_expect(eq(str,
                 (char *)html("<blockquote><p>a<p>b</blockquote><pre>\n x  y\n</pre><pre> </pre>"
                              "<dl><dt>t<dd>m</dl><img alt='pic'>"),
                 "> a\n\n> b\n\n```\n x  y\n```\n\nt\n: m\n\npic"));
}

Test(extract, what_is_not_shown_is_not_text)
{
    cr_expect(eq(str,
                 (char *)html("<nav>n</nav><!-- c --><script>s</script><style>s</style><noscript>n</noscript>"
                              "<template><p>t</template><svg><title>s</title></svg><p hidden>h</p>"
                              "<p style='color:red; display : none'>d</p><p aria-hidden=true>a</p>"
                              "<form><label>l</label><select><option>o</select><button>b</button>kept</form>"),
                 "kept"));
    cr_expect(eq(ptr, (void *)got.title, NULL));
}

Test(extract, what_stands_aside_within_what_is_shown_as_written_is_left_out_at_its_place)
{
    const char *text = html("<pre>\n<header>\u00e9</header>first</pre><main>second</main>");

    cr_expect(utf8_valid(text, strlen(text)), "%s", text);
    cr_expect(strstr(text, "first") && strstr(text, "second") && !strstr(text, "\u00e9"), "%s", text);
}

Test(extract, what_stands_aside_is_left_out_if_there_is_a_main_part)
{
    cr_expect(eq(str, (char *)html("<header>h</header><p>a</p><footer>f</footer>"), "h\n\na\n\nf"));
    cr_expect(eq(str, (char *)html("<header>h</header><main><header>own</header>a</main><aside>s</aside><p>b</p>"),
                 "own\n\na\n\nb"));
    cr_expect(eq(str, (char *)html("<header>h</header><main></main>"), "h"), "the main part is filled by a script");
}

Test(extract, a_page_without_text_is_refused)
{
    expect_refused(extract_str("<html><title>t</title><script>a</script>", NULL, NULL), "content",
                   "has no text outside of its scripts");
    expect_refused(extract_str("<html><p> </p>", NULL, NULL), "content", "has no text");
}

Test(extract, a_page_is_read_in_its_charset)
{
    cr_expect(eq(str, (char *)html("<meta charset=iso-8859-1><p>caf\xe9 \x80"), "caf\xc3\xa9 \xe2\x82\xac"));
    cr_expect(eq(str, (char *)html("<meta charset=iso-8859-1><p>caf\xc3\xa9"), "caf\xc3\xa9"), "UTF-8 all the same");
    cr_expect(
        eq(str, (char *)html("<meta http-equiv=x content='text/html; charset=windows-1256'><p>\xe3"), "\xd9\x85"));
    expect_refused(extract_str("<meta charset=utf-7><p>\xe9", "text/html", NULL), "content", "utf-7 is not supported");
    expect_refused(extract_str("<p>\xe9", "text/html", NULL), "content", "not valid UTF-8: byte 3 is 0xe9");
}

Test(extract, characters_that_no_text_has_do_not_come_in_as_entities)
{
    cr_expect(eq(str, (char *)html("<p>a&#0;&#xd800;&#x110000;&#1;b"), "ab"));
}

Test(extract, malicious_pages_are_read_or_refused_in_bounded_time)
{
    expect_refused(extract_str(repeated("<html>", "<div>", 100000, "x"), NULL, NULL), "content", "nested too deep");
    cr_expect(eq(int, extract_str(repeated("<html><p title='", "v", 5000000, "'>x"), NULL, NULL), 0));
    cr_expect(eq(str, (char *)got.text, "x"));
    html(repeated("", "<ul><li>a", 900, ""));
    cr_expect(lt(sz, strlen(got.text), 900 * 50), "indentation is bounded");
    expect_refused(extract_str(repeated("<html><script>", "</", 1000000, ""), NULL, NULL), "content", "scripts");
    html(repeated("<table><tr>", "<td>a", 100000, ""));
    cr_expect(eq(int, extract_str(repeated("<html><p ", "\xf0\x9f\x98\x80=1 ", 2000, ">x"), NULL, NULL), 0));
}

/* ---- PDF ---- */

Test(extract, lines_of_a_pdf_become_paragraphs)
{
    cr_assert(eq(int, extract_file("plain.pdf", "application/pdf"), 0), "%s", err.text);
    cr_expect(eq(str, (char *)got.text,
                 "We repair boilers, heat pumps and water heaters of all makes, on every day of the "
                 "week, also on public holidays.\nA visit costs $90."));
    cr_expect(eq(str, (char *)got.title, "Prices of 2026"));
    cr_expect(not(got.is_markdown));
}

Test(extract, what_stands_on_each_page_of_a_pdf_is_kept_once)
{
    cr_assert(eq(int, extract_file("pages.pdf", NULL), 0), "%s", err.text);
    cr_expect(eq(int, strncmp(got.text, "Rapid Plumbing - price list\n\nChapter 1", 38), 0), "%s", got.text);
    cr_expect(not(holds(got.text + 1, "Rapid Plumbing")));
    cr_expect(not(holds(got.text, "Page ")));
    cr_expect(holds(got.text, "\n- second entry 1\n\nChapter 2 begins"), "%s", got.text);
    cr_expect(holds(got.text, "line and goes on in the next line, where it ends.\n- first entry 4\n- second entry 4"));
}

Test(extract, arabic_of_a_pdf_reads_from_its_first_letter)
{
    cr_assert(eq(int, extract_file("arabic.pdf", NULL), 0), "%s", err.text);
    cr_expect(eq(str, (char *)got.text, "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7"));
}

Test(extract, an_encrypted_pdf_is_read_if_it_opens_without_a_password)
{
    expect_refused(extract_file("user-password.pdf", NULL), "content", "encrypted");
    cr_expect(eq(int, extract_file("owner-password.pdf", NULL), 0), "%s", err.text);
}

Test(extract, a_damaged_pdf_is_repaired_or_refused)
{
    expect_refused(extract_file("damaged.pdf", NULL), "content", "damaged");
    expect_refused(extract_file("truncated.pdf", NULL), "content", "damaged");
    cr_assert(eq(int, extract_file("repairable.pdf", NULL), 0), "%s", err.text);
    cr_expect(holds(got.text, "A visit costs $90."));
}

Test(extract, a_scanned_pdf_is_named_as_such)
{
    expect_refused(extract_file("scanned.pdf", NULL), "content", "scanned");
}

Test(extract, without_pdftotext_nothing_is_wrong_with_the_pdf)
{
    setenv("PATH", "/nonexistent", 1);
    cr_expect(eq(int, extract_file("plain.pdf", NULL), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(holds(err.text, "poppler-utils"), "%s", err.text);
}

/* ---- the child ---- */

static int run(const char *script, const char *input, int limit_ms)
{
    const char *const argv[] = {"sh", "-c", script, NULL};

    return child_run(argv, input, strlen(input), limit_ms, &child, &err);
}

Test(extract, a_child_gets_its_input_and_nothing_else_of_ours)
{
    FILE *open = fopen("/etc/passwd", "r");

    setenv("SECRET", "x", 1);
    cr_assert(open && dup2(fileno(open), 77) == 77);
    cr_assert(
        eq(int, run("cat; echo note >&2; echo $SECRET; ls /proc/self/fd | tr '\\n' ' '; exit 3", "input ", 20000), 0));
    cr_expect(eq(int, child.exit_code, 3));
    cr_expect(eq(str, child.notes.data, "note\n"));
    cr_expect(eq(str, child.out.data, "input \n0 1 2 3 "), "3 is the folder that ls reads");
}

/* Killed processes that nobody has reaped yet are dead too. */
static bool lives(int pid)
{
    char path[64], status[512] = "";
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (!(in = fopen(path, "r")))
        return false;
    status[fread(status, 1, sizeof status - 1, in)] = '\0';
    fclose(in);
    return !holds(status, "State:\tZ") && !holds(status, "State:\tX");
}

Test(extract, a_slow_child_is_killed_with_what_it_started)
{
    int pid;

    cr_assert(eq(int, run("sleep 77 & echo $!; wait", "", 500), 0));
    cr_expect(child.is_too_slow);
    cr_expect(eq(int, child.exit_code, -1));
    cr_assert(gt(int, pid = atoi(child.out.data), 0));
    for (int i = 0; i < 1000 && lives(pid); i++)
        usleep(10000);
    cr_expect(not(lives(pid)));
}

Test(extract, a_child_that_computes_or_writes_without_end_is_killed)
{
    cr_assert(eq(int, run("while :; do :; done", "", 1000), 0));
    cr_expect(child.is_too_slow);
    child_free(&child);
    cr_assert(eq(int, run("exec cat /dev/zero", "", 60000), 0));
    cr_expect(child.is_too_long);
    cr_expect(eq(sz, child.out.len, CHILD_OUT_BYTES));
    child_free(&child);
    cr_assert(eq(int, run("exec head -c 2G /dev/zero | tail -c 2G", "", 60000), 0));
    cr_expect(not(child.is_too_long));
    cr_expect(ne(int, child.exit_code, 0), "its memory is bounded");
    child_free(&child);
}

/* The kernel kills it, also if nobody of ours is left to do it. */
Test(extract, a_child_dies_with_the_process_that_runs_it)
{
    char path[] = "/tmp/leadwire-child-XXXXXX", script[128], number[32] = "";
    int fd = mkstemp(path), pid = 0;
    pid_t runner;

    cr_assert(fd >= 0);
    snprintf(script, sizeof script, "echo $$ >%s; exec sleep 78", path);
    if ((runner = fork()) == 0) {
        run(script, "", 60000);
        _exit(0);
    }
    for (int i = 0; i < 3000 && pid == 0; i++) {
        usleep(10000);
        pid = pread(fd, number, sizeof number - 1, 0) > 1 ? atoi(number) : 0;
    }
    cr_assert(gt(int, pid, 0));
    kill(runner, SIGKILL);
    waitpid(runner, NULL, 0);
    for (int i = 0; i < 1000 && lives(pid); i++)
        usleep(10000);
    cr_expect(not(lives(pid)));
    close(fd);
    unlink(path);
}
