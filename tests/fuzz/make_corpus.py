#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets to tests/fuzz/corpus/. The seeds are kept in the repository: run this only after
changing it, or for the dictionaries after adding messages."""
import json
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
UUID = "0193d9a4-7b1c-7000-8000-000000000001"


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if 0 <= value < 128 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xa0 | len(data)]) if len(data) < 32 else b"\xda" + struct.pack(">H", len(data))) + data
    if isinstance(value, bytes):
        return b"\xc5" + struct.pack(">H", len(value)) + value
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
    return b"\xde" + struct.pack(">H", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


PASSAGE = {"chunk_id": UUID, "document_id": UUID, "kb_id": UUID, "title": "Do you fix boilers?", "body": "Yes, for 90 EUR.",
           "score": 0.875, "vector_score": -0.5, "text_score": 0.25, "position": 3}
TIME = "2026-11-22T10:00:00.000000Z"
JSON = {
    "create_client": {"name": "Boilers \u00e9 \ud83d\udd25", "timezone": "Europe/Berlin",
                      "config": {"twilio_phone_number": "+15551234567", "price": 0.1, "list": [1, -2.5e3, None, True]}},
    "search_knowledge": {"query": "boiler \"repair\"\n", "kb_id": UUID, "max_results": 5, "threshold": -1},
    "search_result": {"passages": [PASSAGE, PASSAGE | {"vector_score": -0.0}], "vectors_used": True},
    "add_faqs": {"kb_id": UUID, "faqs": [{"question": "Open on Sundays?", "answer": "No."}]},
    "client_page": {"items": [{"client_id": UUID, "name": "a", "timezone": "UTC", "config": {}, "config_version": 1,
                               "created_at": TIME, "updated_at": "2026-11-22 12:00:00+02"}], "next_after": "x"},
    "problem": {"kind": "conflict", "detail": "taken", "field": "name", "retry_after_s": 3},
}
BODIES = {
    "search_result": {"passages": [PASSAGE], "vectors_used": False, "from_a_newer_version": [None, {"a": b"bytes"}]},
    "tasks_ready": {"refs": [{"client_id": UUID, "task_id": UUID}, {"client_id": UUID, "task_id": UUID}]},
    "problem": {"kind": "not_found", "detail": "no such conversation"},
    "stats_event": {"instance": UUID, "role": "delivery", "stats": "{\"sent\":5,\"ms\":[0.5,1e3]}"},
    "client": {"client_id": UUID, "name": "a", "timezone": "UTC", "config": "{\"a\":\"b\"}", "config_version": 1,
               "created_at": 1795341600000000, "updated_at": 1795341600000000},
    "empty": {"ok": True},
}
FORMS = [
    b"MessageSid=SM0123456789abcdef0123456789abcdef&From=%2B15551234567&To=%2B15557654321&Body=Hi%2C+my+boiler%20leaks&NumMedia=0",
    b"a=1&b=&c&=d&&a=2&%C3%A4=%F0%9F%94%A5",
    b"broken=%zz&nul=%00&utf=%ff",
]
INBOUND = {
    "mms": FORMS[0] + b"&NumMedia=2&MediaUrl0=https%3A%2F%2Fapi.twilio.com%2FME1&MediaContentType0=image%2Fjpeg&MediaUrl1=x",
    "location": b"MessageSid=SM1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15557654321&Latitude=48.1&Longitude=-11.5"
                b"&Label=Home&Address=Street+1&ProfileName=Ada&Body=",
    "stop": b"MessageSid=SM1&From=%2B15551234567&To=%2B15557654321&Body=STOP&OptOutType=STOP&MessagingServiceSid=MG1",
    "button": b"MessageSid=SM1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15557654321&ButtonText=Book&ButtonPayload=b",
}
SIGNED = [
    b"https://mycompany.com\n/myapp.php?foo=1&bar=2\nCallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309",
    b"https://user@[::1]:8443\n/api/v1/webhooks/twilio/sms#rc=3&rp=5xx\n" + FORMS[0],
    b"http://host:80/prefix\n/\na=1&a=2&a=1&b",
]
MULTIPART = [
    b"multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nPrices\r\n"
    b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\" %22.txt\"\r\n"
    b"Content-Type: text/plain\r\n\r\nWe charge $90.\r\n\r\n--b--\r\nepilogue",
    b"Multipart/Form-Data; charset=utf-8; boundary=\"a b:=?\"\npreamble\r\n--a b:=? \t\r\n"
    b"content-disposition:form-data; name=\xc3\xa4; filename*=UTF-8''x\r\ncontent-transfer-encoding: binary\r\n\r\n"
    b"\0\xff\r\n--a b:=?--",
    b"multipart/form-data; boundary=b\n--b\n\n--b--",
]
WORDPIECE = {
    "lead": b"\x06The BOILERS leak, $90 for a boiler? ",
    "marks": b"\xff" + "Stra\u00dfe a\u0301b\u0308 \u00e9 \u0130\u0131 \u2260 \uac00".encode(),
    "scripts": b"\x09" + "\u6f22\u5b57\uf900 \u0627\u064e\u0627 \u0e01\u0e49 \U0001f525\u200d\u200f".encode(),
    "broken": b"\x03a\xffb\xc0\xaf \xed\xa0\x80\xf4\x90\x80\x80 \xef\xbf\xbd\0b\xc3",
    "long": b"\x70" + b"ab" * 50 + b" " + b"a" * 101 + b" b",
    "vocabulary": b"a\n##b\n\n##\nab\n\xc3\n##\x9f\n \xc3\x9f\xc3\x9f",
}
HTML = {
    "page": b"<!doctype html><title>T</title><nav>n</nav><header>h</header><main><h1>A</h1><p>b<br>c &amp; &eacute;"
            b"<ul><li>d<ul><li>e</ul></ul><ol start=3><li>f</ol><table><tr><th>g<td>h|i</table><blockquote><p>j</blockquote>"
            b"<pre>\n k\n</pre><dl><dt>l<dd>m</dl><p hidden>n<p style='display:none'>o</main><footer>p</footer>",
    "layout": b"<table><tr><td>a<td><h2>b</h2><table><tr><td>c</table><pre><footer>\xc2\xa0</footer></pre></table>",
    "skipped": b"<svg><title>a</title></svg><template><p>b</template><script>c</script><select><option>d</select><img alt=e>",
    "charset": b"<meta charset=windows-1256><p>\xe3\xd1",
    "utf16": "\ufeff<p>a\u00e4".encode("utf-16-le"),
}
MARKDOWN = {
    "sections": b"\x01---\ntitle: x\n---\n# A\n\ntext. More!\n\n## B ##\n\n### C\nd\n===\n## E\n",
    "blocks": b"\x01lead-in:\n- a\n  - b\n\n1. c\n\n| h | i |\n|---|:-:|\n| j | k |\n\n```sh\n# l\n```\n***\n> m",
    "sentences": b"\x00" + "Mr. A. costs $1.50, e.g. 3.5 p.m. \u00bfQu\u00e9? \u0643\u0645\u061f \u4e2d\u3002\u6587".encode() * 40,
    "word": b"\x00" + "a\u0301\U0001f44d\U0001f3fd".encode() * 200,
}

CONSENT = {
    "keyword": "STOP", "marked": " \u00a1Alto! \U0001f6d1", "styled": "\uff33\uff34\uff2f\uff30", "english": "Hey, please don\u2019t text me anymore",
    "clause": "Not interested, stop. Take me off your list please", "spanish": "Ya no me escriban m\u00e1s, por favor",
    "arabic": "\u0645\u0646 \u0641\u0636\u0644\u0643 \u0644\u0627 \u062a\u064f\u0631\u0627\u0633\u0650\u0644\u0646\u064a \u0628\u0639\u062f \u0627\u0644\u0622\u0646",
    "again": "start texting me again", "long": "unsubscribe me from " + "all " * 100 + "of these text messages",
}


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    for name, body in BODIES.items():
        envelope = {"v": 1, "id": UUID, "type": name, "client_id": UUID, "trace_id": "t", "correlation_id": UUID,
                    "reply_to": "tcp://127.0.0.1:5555", "deadline_ms": 5000, "attempt": 1, "body": pack(body)}
        write("fuzz_envelope", name, pack(envelope))
    write("fuzz_envelope", "bomb", bytes.fromhex("dd10000000"))
    write("fuzz_envelope", "nested", b"\x91" * 17 + b"\xc0")
    for name, value in JSON.items():
        write("fuzz_json", name, name.encode() + b"\n" + json.dumps(value).encode())
    for i, data in enumerate(FORMS):
        write("fuzz_form", "form%d" % i, data)
    for name, data in INBOUND.items():
        write("fuzz_inbound", name, data)
    for i, data in enumerate(SIGNED):
        write("fuzz_signature", "signed%d" % i, data)
    for i, data in enumerate(MULTIPART):
        write("fuzz_multipart", "form%d" % i, data)
    for name, data in WORDPIECE.items():
        write("fuzz_wordpiece", name, data)
    for name, data in HTML.items():
        write("fuzz_html", name, data)
    for name, data in MARKDOWN.items():
        write("fuzz_chunker", name, data)
    for name, text in CONSENT.items():
        write("fuzz_consent", name, text.encode())

    listed = ('{"direction":"outbound-api","from":"+15550002222","to":"+15550001111","body":"hello","messaging_service_sid":"MG1",'
              '"date_created":"Fri, 24 May 2019 17:44:46 +0000","sid":"SM1"}')
    for name, data in {
        "sent": b'\x00{"sid":"SM1","num_segments":"2"}', "refused": b'\x0c{"code":21610,"message":"to +15550001111"}',
        "page": b'\x01{"messages":[%s],"next_page_uri":"/2010-04-01/x"}' % listed.encode(),
        "phone": b'\x02{"phone_number":"+1555","valid":true,"country_code":"US","validation_errors":null,'
                 b'"line_type_intelligence":{"type":"mobile","carrier_name":"x"}}',
        "no_phone": b'\x02{"phone_number":"+1555","valid":false,"validation_errors":["TOO_SHORT"]}',
        "template": b'\x03{"types":{"twilio/text":{"body":"Hi {{1}} {{ name }}"}},"variables":{"1":"x"}}\0{"1":"a","name":"b"}',
    }.items():
        write("fuzz_twilio", name, data)
    names = sorted({name for header in (HERE / "../../proto").glob("*.h")
                    for name in re.findall(r"MSG\((\w+), \w+, ", header.read_text())})
    words = sorted({field for header in (HERE / "../../proto").glob("*.h")
                    for field in re.findall(r"[FEML]\(S, [^()]*?(\w+), *(?:REQUIRED|OPTIONAL|DEFAULT)", header.read_text())})
    (HERE / "fuzz_envelope.dict").write_text("".join('"\\x%02x%s"\n' % (0xa0 | len(w), w) for w in words if len(w) < 32))
    (HERE / "fuzz_json.dict").write_text("".join('"%s\\x0a{"\n' % n for n in names)
                                         + "".join('"\\"%s\\":"\n' % w for w in words)
                                         + '"%s"\n"%s"\n"null"\n"true"\n"\\\\u00e9"\n"\\\\ud83d\\\\udd25"\n"1e3"\n"-0.5"\n'
                                         % (UUID, TIME))
    (HERE / "fuzz_form.dict").write_text('"%00"\n"%2B"\n"%C3%A4"\n"%ff"\n"&"\n"="\n"+"\n')
    (HERE / "fuzz_inbound.dict").write_text("".join('"%s"\n' % w for w in (
        "MessageSid=SM1", "&From=", "&To=", "%2B15551234567", "whatsapp%3A", "&Body=", "&NumMedia=", "&MediaUrl0=",
        "&MediaContentType0=", "&MediaUrl1=", "&ProfileName=", "&Latitude=", "&Longitude=", "&Label=", "&Address=",
        "&ButtonText=", "&ButtonPayload=", "&OptOutType=", "&MessagingServiceSid=", "%0A")))
    (HERE / "fuzz_multipart.dict").write_text(
        '"\\x0d\\x0a"\n"\\x0d\\x0a\\x0d\\x0a"\n"\\x0d\\x0a--"\n"--b\\x0d\\x0a"\n"boundary="\n"name="\n"filename="\n"form-data; "\n'
        '"Content-Disposition: "\n"Content-Type: "\n"Content-Transfer-Encoding: "\n"\\x22"\n"%22"\n')
    (HERE / "fuzz_wordpiece.dict").write_text("".join('"%s"\n' % "".join("\\x%02x" % b for b in c.encode()) for c in (
        "\u0301", "\u00e9", "\u0130", "\u00df", "\u6f22", "\uf900", "\u0627", "\uac00", "\u200b", "\ufffd", "\u00a0", "\u2260",
        "\u2019", "\U0001f525")) + '"\\x0a##"\n"boiler"\n"\\xed\\xa0\\x80"\n')
    (HERE / "fuzz_signature.dict").write_text('"https://"\n":443"\n":80"\n"@"\n"["\n"]"\n"?"\n"#"\n"&"\n"="\n"%2B"\n"\\x0a"\n')
    (HERE / "fuzz_html.dict").write_text("".join('"%s"\n' % w for w in (
        "<h1>", "</h1>", "<p>", "<ul>", "<ol>", "<li>", "</li>", "</ul>", "<table>", "<tr>", "<td>", "</td>", "</table>", "<pre>",
        "</pre>", "<blockquote>", "<main>", "</main>", "<header>", "</header>", "<aside>", "<title>", "<dl>", "<dt>", "<dd>", "<br>",
        "<script>", "</script>", "<!--", "-->", "<svg>", "</svg>", " hidden", "&amp;", "&#x41;", "<img alt=")))
    (HERE / "fuzz_chunker.dict").write_text(
        '"\\x0a\\x0a"\n"\\x0a# "\n"\\x0a### "\n"\\x0a- "\n"\\x0a1. "\n"\\x0a```\\x0a"\n"\\x0a| "\n"\\x0a|---|---|\\x0a"\n"\\x0a===\\x0a"\n'
        '"\\x0a---\\x0a"\n". "\n"? "\n"e.g. "\n"\\xd8\\x9f "\n"\\xcc\\x81"\n')
    (HERE / "fuzz_twilio.dict").write_text("".join('"%s"\n' % w.replace('"', '\\"') for w in (
        '{"sid":"SM1"}', '{"code":21610,"message":"', '"num_segments":"2"', '"messages":[{', '"next_page_uri":"/', '"from":"+15550002222"',
        '"direction":"outbound-api"', '"to":"+15550001111"', '"messaging_service_sid":"MG1"', '"phone_number":"', '"valid":true',
        '"date_created":"Fri, 24 May 2019 17:44:46 +0000"', '"valid":false', '"validation_errors":[', '"carrier_name":"',
        '"line_type_intelligence":{"type":"', '"types":{"twilio/text":{"body":"', '"variables":{', "{{1}}", "{{ name }}", "{{}}",
        '\\x00{"1":"x"}')))
    (HERE / "fuzz_consent.dict").write_text("".join('"%s"\n' % "".join("\\x%02x" % b for b in w.encode()) for w in (
        "stop ", "please ", "dont ", "do not ", "text ", "texting ", "me ", "sending ", "messages ", "unsubscribe ", "opt out ", "remove ",
        "from ", "your list", "no more ", "want ", "again", "no ", "me escriban ", "deje de ", "quiero ", "mensajes ", "baja", "\u0644\u0627 ",
        "\u062a\u0631\u0627\u0633\u0644\u0646\u064a ", "\u062a\u0631\u0633\u0644 ", "\u0631\u0633\u0627\u0626\u0644 ", "\u0631\u0642\u0645\u064a ", "\u0640", "\u064e", "\u2019", "\u200b",
        "\ufdfa", "\uff33", "\U0001f6d1", ". ", ", ", "\u061f")))


main()
