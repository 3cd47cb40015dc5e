#!/usr/bin/env python3
"""Writes the PDFs beside it, which test_extract.c reads. They are kept in the repository: run this only after changing
it. Needs qpdf for those that are encrypted."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
# Codes 'a' to 'e' are the letters of an Arabic word (marhaban, "welcome").
TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def
1 begincodespacerange <00> <FF> endcodespacerange
5 beginbfchar <61> <0645> <62> <0631> <63> <062D> <64> <0628> <65> <0627> endbfchar
endcmap end end"""


def stream(data, extra=b""):
    return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(data), extra, data)


def pdf(pages, title=None, font=FONT, more=()):
    """pages: the drawing commands of each. more: objects after the font, from number 4 + 2 * pages on."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>",
               b"<< /Type /Pages /Kids [%s] /Count %d >>"
               % (b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(len(pages))), len(pages)), font]
    for i, content in enumerate(pages):
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                       b"/Resources << /Font << /F 3 0 R >> >> >>" % (5 + 2 * i))
        objects.append(stream(content))
    objects.extend(more)
    info = b""
    if title:
        objects.append(b"<< /Title (%s) >>" % title)
        info = b"/Info %d 0 R " % len(objects)
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, info, start)


def lines(texts, top=720, step=14):
    return b"BT /F 11 Tf %d TL 72 %d Td %s ET" % (step, top, b" T* ".join(b"(%s) Tj" % text for text in texts))


def page(number, body):
    return (lines([b"Rapid Plumbing - price list"], 760) + b"\n" + lines(body)
            + b"\n" + lines([b"Page %d of 4" % number], 40))


def write(name, data):
    (HERE / name).write_bytes(data)


def encrypt(name, user, owner):
    subprocess.run(["qpdf", "--allow-weak-crypto", "--static-id", "--encrypt", user, owner, "128", "--use-aes=n",
                    "--", str(HERE / "plain.pdf"), str(HERE / name)], check=True)


PLAIN = pdf([lines([b"We repair boilers, heat pumps and water hea-", b"ters of all makes, on every day of the week,",
                    b"also on public holidays.", b"", b"A visit costs $90."])], b"Prices of 2026")
write("plain.pdf", PLAIN)
write("pages.pdf", pdf([page(n, [b"Chapter %d begins with a sentence that is about as long as the line" % n,
                                 b"and goes on in the next line, where it ends.", b"- first entry %d" % n,
                                 b"- second entry %d" % n]) for n in range(1, 5)]))
write("scanned.pdf", pdf([b"0.5 g 72 72 400 600 re f"] * 2))
write("arabic.pdf", pdf([lines([b"edcba"])], font=b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica "
                        b"/ToUnicode 6 0 R >>", more=[stream(TO_UNICODE)]))
write("truncated.pdf", PLAIN[:PLAIN.index(b"stream") + 40])
write("damaged.pdf", PLAIN[:200].replace(b"obj", b"xyz") + b"\x00\xff" * 200)
# The cross-reference table is wrong, which readers repair.
write("repairable.pdf", PLAIN.replace(b"startxref\n", b"startxref\n9"))
encrypt("user-password.pdf", "secret", "owner")
encrypt("owner-password.pdf", "", "owner")
