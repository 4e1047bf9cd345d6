from __future__ import annotations

import zlib

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import ANOMALIES
from ingest.applications.websocket import looks


def test_frames_masked_and_long(said):
    found = said("websocket")
    assert found.values("websocket.payload") == [b"hello", b"x" * 300, b""]
    assert found.integers("websocket.opcode") == [1, 2, 9]
    assert found.integers("websocket.mask") == [0x01020304]
    assert found.integers("websocket.flags") == [128, 0, 128]


def test_payloads_are_kept_up_to_their_limit(speak, examples):
    found = speak("websocket", examples["websocket"][0], settings=ApplicationSettings(body_bytes=4))
    assert found.values("websocket.payload") == [b"hell", b"xxxx", b""]


def test_what_never_ends_is_given_up(speak):
    assert speak("websocket", [(0, b"\x82\x7f" + b"\xff" * 8 + b"x" * 50)]).parser.done == [True, False]


def test_no_bytes_look_like_it():
    assert looks(0, b"\x81\x05hello", (1, 80)) is False


def test_a_message_of_several_frames_is_told_whole_with_its_last(speak):
    frames = b"\x01\x03one" + b"\x89\x02hi" + b"\x80\x03two" + b"\x81\x03new"
    found = speak("websocket", [(0, frames)])
    assert found.values("websocket.payload") == [b"one", b"hi", b"onetwo", b"new"]


def test_compression_goes_on_from_message_to_message(speak):
    engine = zlib.compressobj(wbits=-15)
    frames = b""
    for text in (b"the same text", b"the same text"):
        body = (engine.compress(text) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]
        frames += bytes((0xC1, len(body))) + body
    assert speak("websocket", [(1, frames)]).values("websocket.payload") == [b"the same text"] * 2
    assert speak("websocket", [(1, b"\xc1\x03\xff\xff\xff")]).values("websocket.payload") == [b"\xff\xff\xff"]


def test_a_message_is_kept_up_to_its_limit(speak):
    settings = ApplicationSettings(body_bytes=4)
    found = speak("websocket", [(0, b"\x01\x03one\x80\x03two")], settings=settings)
    assert found.values("websocket.payload") == [b"one", b"onet"]
    assert "websocket.reassembly_limit_reached" in [ANOMALIES[kind] for kind, *_ in found.parser.anomalies]
