"""Capture filters: what compiles, what does not."""

from __future__ import annotations

import ctypes.util

import pytest

from citywall.errors import SettingsError, UnsupportedInput
from ingest.live import bpf

needs_libpcap = pytest.mark.skipif(ctypes.util.find_library("pcap") is None, reason="libpcap is not here")


@needs_libpcap
def test_filters_compile_for_their_link_type():
    ethernet = bpf.compile_filter("tcp port 80", 1, 1000)
    raw = bpf.compile_filter("tcp port 80", 101, 1000)
    assert len(ethernet) > 3
    assert len(raw) > 3
    assert 1000 in ethernet["k"].tolist()
    assert bpf.compile_filter("ip or not ip", 1, 77)["k"].tolist()[-1] == 77


@needs_libpcap
@pytest.mark.parametrize("text", ["tcp prt 80", "host", "\0"])
def test_what_is_no_filter(text):
    with pytest.raises(SettingsError, match=r"sensor\.filter"):
        bpf.compile_filter(text, 1, 1000)


def test_without_libpcap(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(UnsupportedInput, match="libpcap"):
        bpf.compile_filter("ip", 1, 1000)
