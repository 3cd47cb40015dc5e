#!/usr/bin/env python3
"""Writes what the reference tokeniser (HuggingFace's tokenizers) makes of some thousand texts and of every character,
for tests/unit/test_wordpiece.c. What it writes is kept in the repository: run this only after changing it.

usage: tokens_reference.py TOKENIZER_JSON     that of all-MiniLM-L6-v2; needs `pip install tokenizers==0.23.3`

tests/unit/data/wordpiece.tsv              a text, a tab, its tokens without [CLS] and [SEP]. In the text \\xHH is a byte,
                                           \\* what follows N times ("\\*120{ab}").
tests/unit/data/wordpiece_characters.tsv   FIRST LAST KIND: what each character does between an "a" and a "b"
"""
import pathlib
import random
import re
import sys
import unicodedata

from tokenizers import Tokenizer

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests/unit/data"
SCRIPTS = {
    "latin": ((0xA1, 0x24F), (0x1E00, 0x1EFF)), "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)), "cyrillic": ((0x400, 0x52F),),
    "armenian": ((0x531, 0x58F),), "hebrew": ((0x591, 0x5F4), (0xFB1D, 0xFB4F)),
    "arabic": ((0x600, 0x6FF), (0xFB50, 0xFBFF), (0xFE70, 0xFEFC)), "devanagari": ((0x900, 0x97F),),
    "bengali": ((0x980, 0x9FE),), "tamil": ((0xB82, 0xBFA),), "thai": ((0xE01, 0xE5B),), "tibetan": ((0xF00, 0xFDA),),
    "georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF)), "hangul": ((0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3130, 0x318E)),
    "kana": ((0x3041, 0x30FF), (0xFF66, 0xFF9D)), "cjk": ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAD9)),
    "cjk_above": ((0x20000, 0x2A6DF), (0x2A700, 0x2CEA1), (0x2F800, 0x2FA1D)), "symbols": ((0x2000, 0x2BFF),),
    "wide": ((0x3000, 0x303F), (0xFF01, 0xFFEF)), "emoji": ((0x1F300, 0x1F64F), (0x1F680, 0x1F6FF)),
    "letters": ((0x1D400, 0x1D7FF),), "ligatures": ((0xFB00, 0xFB17), (0x1C4, 0x1CC), (0x1F1, 0x1F3)),
    "marks": ((0x300, 0x36F), (0x1AB0, 0x1ABE), (0x20D0, 0x20F0), (0xFE00, 0xFE0F)),
}
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069\ufeff\u00ad\u061c\u180e\ufffd" \
            "\0\1\x1b\x7f\x85\u2028\u2029\u00a0\u3000\u202f\u1680\u2003\ue000\U000f0000\U000e0041\ufffe"
LEADS = """\
hi do you guys fix water heaters? mine is leaking all over the garage
How much would it cost to replace a 40 gallon tank, roughly?
Can someone come out today between 2-4pm??
What's your hourly rate and is there a call-out fee?
Need an estimate for a roof inspection @ 1420 W. Elm St, Apt #3B, Springfield, IL 62704
ASAP pls!!! basement flooding 😱😱
No thanks, I'm all set. Please STOP texting me
Is the warranty transferable if I sell the house?
Do you take Care Credit / insurance (Delta Dental PPO)?
I'd like to book a cleaning for my two kids, ages 7 & 10
My tooth hurts soooo bad, can you see me this afternoon?
when r u open on sundays
What are your business hours during the holidays?
I was quoted $1,299.99 last week; does that price still stand?
Call me at (555) 010-0199 or email jane.doe+leads@example.com
See https://www.example.com/pricing?plan=pro&utm_source=sms#faq for what I mean
Do you install Tesla Powerwall 3 or only Enphase IQ8+ microinverters?
Looking for a 3BR/2BA house under $450k near good schools
How long does the closing process take after the inspection contingency?
can i refinance w/ a 640 credit score???
What's the APR on a 30-yr fixed — is 6.875% still available?
i got in a car accident on I-95 & the other driver was uninsured
Do you offer free consultations for personal-injury cases?
Could you reschedule my Tuesday 10:30 a.m. appointment to Thurs?
Thanks! That works perfectly :-)
lol ok sounds good 👍🏽
My HVAC unit makes a grinding noise and blows warm air
What SEER rating do your heat pumps have?
gutter cleaning 2 story house ~2,400 sqft how much
Does the membership include 24/7 access and personal training?
I want to cancel my subscription, effective immediately.
Can you send me the contract as a PDF?
Where are you located? Is there parking?
Do you speak Spanish? ¿Hablan español? Necesito una cita para mañana
Je voudrais prendre rendez-vous, s'il vous plaît. C'est où exactement ?
Ich hätte gern einen Kostenvoranschlag für die Größe 42 – geht das auch früher?
Gostaria de saber o preço da manutenção do ar-condicionado, não é urgente
Здравствуйте! Сколько стоит ремонт котла? Ёлка, йод
Γειά σας, πόσο κοστίζει; ΟΔΥΣΣΕΥΣ Ὀδυσσεύς ΣΑΣ
Merhaba, İstanbul'da ILIK su ısıtıcısı değişimi ne kadar?
Xin chào, tôi muốn hỏi giá sửa điều hòa ở Đà Nẵng
Dzień dobry, ile kosztuje naprawa łazienki w Łodzi? Zażółć gęślą jaźń
مرحبا، كم سعر إصلاح السخان؟ رقمي ٠٥٥٥٠١٢٣٤٥
بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ ۱۲۳ گچپژ
שלום, כמה עולה תיקון הדוד? בְּרֵאשִׁית
नमस्ते, पानी का हीटर ठीक करने का कितना खर्च आएगा? १२३
আপনার দাম কত? ১২৩
வணக்கம், விலை என்ன?
สวัสดีครับ ซ่อมเครื่องทำน้ำอุ่นราคาเท่าไหร่ ๑๒๓
안녕하세요, 온수기 수리 비용이 얼마인가요?
こんにちは。給湯器の修理はいくらですか？カタカナ ｶﾀｶﾅ がぎぐげご ぱぴぷぺぽ
你好，请问修热水器多少钱？（今天能来吗）
Գին, გამარჯობა ა, ཀ་ཁ
ﬁnal ﬂoor eﬀect oﬃce baﬄe ﬅ Ǆ ǆ Œuvre Æsir ß ẞ ĳ ſtone
café café naïve résumé Ångström Å Å coöperate
e = mc² ½ cup ⅓ x₂ ™ © ® № ℃ Ⅷ ① ㊗ ∞ ≠ ≤ ≥ ± × ÷ √ ∑ → ⇒
“Quoted” ‘single’ «guillemets» „low“ … — – ‐ ‑ ′ ″ ‰ † ‡ • · ¿ ¡ § ¶
€100 £50 ¥3000 ₹500 ₿1 ₩1000 ¢99 ฿20 ₺5 ₽7
` ^ $ + < = > | ~ @ # % & * _ - / \\ ( ) [ ] { } , . ; : ! ? ' "
[CLS] and [SEP], [MASK] or [UNK] [PAD] ##ing un##believable
👨‍👩‍👧‍👦 family 🇺🇸🇲🇽 flags ❤️ vs ❤ 1️⃣ 🏳️‍🌈
snake_case camelCase kebab-case MixedCASE ALLCAPS iPhone15ProMax v2.0.1-rc3 0xDEADBEEF
supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis
don't can't won't shouldn't've y'all I'm we're he'd o'clock rock'n'roll
1 22 333 4444 55555 1,000,000 3.14159 10% 5'11" 12/25/2026 7:30pm +1-555-010-0123
""".splitlines()


def typo(text, rng):
    letters = list(text)
    for _ in range(rng.randint(1, 4)):
        i = rng.randrange(len(letters))
        kind = rng.randrange(6)
        if kind == 0:
            del letters[i]
        elif kind == 1:
            letters.insert(i, rng.choice("abcdefghijklmnopqrstuvwxyz "))
        elif kind == 2:
            letters[i] *= rng.randint(2, 6)
        elif kind == 3:
            j = min(i + 1, len(letters) - 1)
            letters[i], letters[j] = letters[j], letters[i]
        elif kind == 4:
            letters[i] = letters[i].upper()
        else:
            letters.insert(i, rng.choice(INVISIBLE))
        if not letters:
            break
    return "".join(letters)


def word(vocabulary, rng):
    """Pieces of the vocabulary put together, and sometimes written in another way."""
    pieces = "".join(re.sub("^##", "", rng.choice(vocabulary)) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    how = rng.randrange(8)
    if how == 0:
        return pieces.upper()
    if how == 1:
        return pieces.title()
    if how == 2:
        return "".join(c + rng.choice(("", "", "\u0301", "\u0308", "\u0327\u0302")) for c in pieces)
    if how == 3:
        return unicodedata.normalize("NFC", "".join(c + rng.choice("\u0300\u0301\u0302\u0303\u0308\u030c") for c in pieces))
    if how == 4:
        return unicodedata.normalize(rng.choice(("NFD", "NFKC", "NFKD")), pieces)
    return pieces


def random_text(characters, rng):
    return "".join(rng.choice(characters) if rng.random() < 0.85 else " " for _ in range(rng.randint(3, 24)))


def broken(text, rng):
    """UTF-8 with bytes cut out, put in or changed."""
    data = bytearray(text.encode()[:40])
    for _ in range(rng.randint(1, 4)):
        i = rng.randrange(len(data) + 1)
        if rng.random() < 0.4 and i < len(data):
            del data[i]
        else:
            data[i:i] = rng.choice((b"\x80", b"\xff", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f",
                                    b"\xc3", b"\xf8\x88\x80\x80\x80", b"\xe0\x80\x80"))
    return bytes(data)


def texts(tokenizer, characters):
    rng = random.Random(20261122)
    ranges = {name: [chr(c) for first, last in parts for c in range(first, last + 1) if chr(c) in characters]
              for name, parts in SCRIPTS.items()}
    vocabulary = [w for w, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]) if not w.startswith("[")]
    foreign = [w for w in vocabulary if not w.isascii()]
    ordered = sorted(characters)
    changed = [c for c in ordered if not "\uac00" <= c <= "\ud7a3" and tokenizer.normalizer.normalize_str(c) != c
               and 100 not in tokenizer.encode(c, add_special_tokens=False).ids]

    yield from ("", " ", "\t\r\n", "\0", "\ufffd", "a", "\u0301", "\u200b")
    yield from LEADS
    yield from (typo(rng.choice(LEADS), rng) for _ in range(450))
    yield from (" ".join(word(vocabulary, rng) for _ in range(rng.randint(1, 6))) for _ in range(350))
    yield from (" ".join(word(foreign, rng) for _ in range(rng.randint(1, 6))) for _ in range(250))
    for name in sorted(ranges):
        yield from (random_text(ranges[name], rng) for _ in range(20))
    yield from (random_text(ordered, rng) for _ in range(150))
    yield from (" ".join(changed[i:i + 10]) for i in range(0, len(changed), 10))
    yield from ("".join(rng.choice(ranges[rng.choice(sorted(ranges))]) for _ in range(8)) for _ in range(150))
    yield from (rng.choice(INVISIBLE).join(re.split("(?<=[aeiou])", rng.choice(LEADS)[:30])) for _ in range(100))
    for n in (99, 100, 101, 102, 1000):
        yield from ("a" * n, "é" * n, "e\u0301" * n, "漢" * n, "가" * n, "!" * n, "x" * n + " b", "\u0301" * n + "a", "İ" * n)
    yield from (broken(rng.choice(LEADS), rng) for _ in range(300))


def escaped(text):
    data = text if isinstance(text, bytes) else text.encode()
    run = re.fullmatch(b"((?s:.){1,4}?)\\1{40,}((?s:.){0,4})", data)
    if run:
        return "\\*%d{%s}%s" % ((len(data) - len(run[2])) // len(run[1]), escaped(run[1]), escaped(run[2]))
    out = ""
    for c in data.decode(errors="surrogateescape"):
        # Marks stay bytes too, so that each line can be read.
        plain = c.isprintable() and c != "\\" and unicodedata.category(c)[0] != "M"
        out += c if plain else "".join("\\x%02x" % b for b in c.encode(errors="surrogateescape"))
    return out


def kind(tokenizer, c):
    """gone: the word goes on without it; gap: it parts words; alone: a word of its own; letter: a part of the word."""
    text = "a%sb" % c
    words = [w for w, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]
    return {1: "gone" if words == ["ab"] else "letter", 2: "gap", 3: "alone"}[len(words)]


def agreed(c, found):
    """Whether Unicode still has the character as the reference has, which knows Unicode 8."""
    category = unicodedata.category(c)
    wanted = {"Mn": "gone", "Cf": "gone"}.get(category, "alone" if category[0] == "P" else None)
    if category == "Cn":
        return 0xFFFE <= ord(c) & 0xFFFF
    if wanted and found != wanted:
        return False
    return wanted is not None or found != "gone" and not (found == "alone" and category == "So") or category[0] == "C" \
        or c == "\ufffd"


def kinds(tokenizer):
    found = {}
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            found[chr(code)] = kind(tokenizer, chr(code))
    return {c: what if agreed(c, what) else "later" for c, what in found.items()}


def write_kinds(all_kinds):
    with open(DATA / "wordpiece_characters.tsv", "w") as out:
        first = last = None
        for c, what in [*all_kinds.items(), (None, None)]:
            if first and (c is None or what != all_kinds[first] or ord(c) != ord(last) + 1):
                print("%X\t%X\t%s" % (ord(first), ord(last), all_kinds[first]), file=out)
                first = None
            first, last = first or c, c


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # "[SEP]" in a stranger's text is no separator.
    tokenizer.encode_special_tokens = True
    all_kinds = kinds(tokenizer)
    write_kinds(all_kinds)
    characters = {c for c, what in all_kinds.items() if what != "later" and unicodedata.category(c) not in ("Co", "Cn")}
    seen = set()
    with open(DATA / "wordpiece.tsv", "w") as out:
        for text in texts(tokenizer, characters):
            if escaped(text) in seen:
                continue
            seen.add(escaped(text))
            whole = text.decode(errors="replace") if isinstance(text, bytes) else text
            ids = tokenizer.encode(whole, add_special_tokens=False).ids
            if len(ids) > 40 and len(set(ids)) <= 2:
                ids = ["%d*%d" % (ids[0], len(ids))] if len(set(ids)) == 1 else ids
            print("%s\t%s" % (escaped(text), " ".join(map(str, ids))), file=out)
    later = {c for c, what in all_kinds.items() if what == "later"}
    print("%d texts; left out, as later than Unicode 8: %d characters, and %d that are none yet" % (
        len(seen), sum(unicodedata.category(c) != "Cn" for c in later), sum(unicodedata.category(c) == "Cn" for c in later)))


main()
