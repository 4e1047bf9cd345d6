from __future__ import annotations

import email

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.mime import put_mail
from ingest.applications.parser import Transaction
from ingest.applications.tables import KINDS


def read(data):
    made = Transaction(6, 0, 1, 1)
    odd = put_mail(made, 0, 1, data, whole=True, hashes=False)
    return [(KINDS[k], v) for k, *_, v in made.buffers], odd


def test_attachments_are_those_the_standard_library_finds():
    message = email.message.EmailMessage()
    message["From"], message["To"] = "a@b", "c@d"
    message.set_content("http://example.org/a")
    message.add_attachment(bytes(range(256)) * 5, maintype="application", subtype="x", filename="a.bin")
    found, _ = read(message.as_bytes())
    assert ("file.data", bytes(range(256)) * 5) in found
    assert ("file.name", b"a.bin") in found
    assert ("email.url", b"example.org/a") in found


def test_fields_that_come_twice_are_no_command_that_does():
    assert read(b"From: a\nFrom: b\n\nx")[1] == []


def test_a_long_name_of_a_file_is_told_and_cut():
    mail = b"Content-Type: application/x; name=%s\n\nx"
    assert read(mail % (b"n" * 255))[1] == []
    found, odd = read(mail % (b"n" * 256))
    assert odd == ["smtp.mime_long_filename"]
    assert ("file.name", b"n" * 255) in found


def test_a_mail_in_a_mail_is_read_as_it_stands_there():
    outer = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n"
    named = b'Content-Disposition: attachment; filename="%s"\r\n'
    inner = b"Subject: x\r\nContent-Type: application/x\r\n" + named % b"inner.bin" + b"\r\nplain"
    found, _ = read(outer + named % b"outer.txt" + b"\r\n" + inner)
    assert [value for kind, value in found if kind in {"file.name", "file.data"}] == [b"plain", b"inner.bin"]
    part = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        + outer
        + b"\r\n"
        + inner
        + b"\r\n--b--\r\n"
    )
    assert [value for kind, value in read(part)[0] if kind == "file.name"] == [b"inner.bin"]


def test_nested_parts_end_somewhere():
    data = b""
    for i in range(50):
        data += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
    read(data)
    read(b"Content-Type: message/rfc822\r\n\r\n" * 50)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([b"Content-Type: multipart/x; boundary=b", b"--b", b"--b--", b"", b"x",
    b"Content-Transfer-Encoding: base64", b"=41=", b"A: B", b"\xff"]), max_size=20))  # fmt: skip
def test_any_lines_are_read(lines):
    read(b"\r\n".join(lines))
