"""Capture filters in the language of tcpdump (pcap-filter(7)), compiled by libpcap where it is installed."""

from __future__ import annotations

import ctypes
import ctypes.util

import numpy as np
from numpy.typing import NDArray

from citywall.errors import SettingsError, UnsupportedInput

#: struct bpf_insn and struct sock_filter.
INSTRUCTION = np.dtype([("code", "u2"), ("jt", "u1"), ("jf", "u1"), ("k", "u4")])
_NO_NETMASK = 0xFFFFFFFF
_KEY = "sensor.filter"
#: Link types of capture files to libpcap's own numbers, where they differ: raw IP.
_DLTS = {101: 12}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.c_void_p))


def compile_filter(text: str, link: int, snaplen: int) -> NDArray[np.void]:
    """The program (INSTRUCTION[n]) that keeps `snaplen` bytes of packets of link type `link` that pass.

    Raises SettingsError for a filter that is none, UnsupportedInput where there is no libpcap.
    """
    name = ctypes.util.find_library("pcap")
    if name is None:
        raise UnsupportedInput(_KEY, "capture filters need libpcap (Debian: libpcap0.8)")
    library = ctypes.CDLL(name)
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_geterr.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.pcap_open_dead(_DLTS.get(link, link), snaplen))
    if handle.value is None:
        raise UnsupportedInput(_KEY, "libpcap has no memory")
    program = _Program()
    try:
        given = text.encode()
        if b"\0" in given:
            raise SettingsError("settings", _KEY, "holds a zero byte")
        if library.pcap_compile(handle, ctypes.byref(program), given, 1, _NO_NETMASK):
            reason = (library.pcap_geterr(handle) or b"").decode("utf-8", "replace")
            raise SettingsError("settings", _KEY, f"is no capture filter: {reason}")
        size = program.length * INSTRUCTION.itemsize
        raw = ctypes.string_at(program.instructions, size)
        library.pcap_freecode(ctypes.byref(program))
    finally:
        library.pcap_close(handle)
    return np.frombuffer(raw, INSTRUCTION).copy()
