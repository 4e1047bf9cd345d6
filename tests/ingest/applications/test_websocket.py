from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
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
