"""Regular expressions: libpcre2 where the machine has it, else Python's `re` after translation.

PCRE2 is what rule authors test with, and it knows limits: an expression that backtracks without end gives
up instead. Python's `re` has the same syntax for nearly all that rules use; what it does not know is
refused with its reason rather than guessed.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from citywall.errors import RuleFault

#: (subject, from) to spans: the whole match first, then groups; None where nothing matches.
Search = Callable[[bytes, int], "tuple[tuple[int, int], ...] | None"]

_OPTIONS = {"i": 0x8, "m": 0x400, "s": 0x20, "x": 0x80, "A": 1 << 31, "E": 0x10, "G": 0x40000}
_JIT_COMPLETE = 1
MATCH_LIMIT = 3500
RECURSION_LIMIT = 1500
_RE_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "A": 0, "E": 0}
_POSIX = {
    b"alpha": b"a-zA-Z", b"digit": b"0-9", b"alnum": b"a-zA-Z0-9", b"upper": b"A-Z", b"lower": b"a-z",
    b"space": rb"\s", b"xdigit": b"0-9a-fA-F", b"punct": rb"!-/:-@\[-`{-~", b"word": rb"\w",
    b"blank": rb" \t",
}  # fmt: skip
_BRACED = re.compile(rb"\\x\{([0-9A-Fa-f]{1,2})\}")
_CLASS = re.compile(rb"\[:(\w+):\]")
_NAMED = re.compile(rb"\(\?<([A-Za-z_]\w*)>")
_CONTROL = re.compile(rb"\\x(?![0-9A-Fa-f]{2})([0-9A-Fa-f]?)")
_ESCAPES = re.compile(rb"\\([\\ehHRKQ_@!\"'%&,/:;<=>`~ijlmopqyzCEFGIJLMNOPTUVXYcg-])", re.DOTALL)


def check(expression: bytes, flags: str) -> None:
    """Raise RuleFault where an expression does not compile."""
    compiled(expression, flags)


def compiled(expression: bytes, flags: str) -> Search:
    """A search for an expression; raises RuleFault."""
    flags = "".join(sorted(set(flags) & set(_OPTIONS)))
    if (library := _library()) is not None:
        return _Pcre2(library, expression, flags)
    return _translated(expression, flags)


@lru_cache(maxsize=1)
def _library() -> Any:
    name = ctypes.util.find_library("pcre2-8")
    if name is None:
        return None
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return None
    pointer = ctypes.c_void_p
    for function, result, arguments in (
        ("compile", pointer, (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32, pointer, pointer, pointer)),
        ("jit_compile", ctypes.c_int, (pointer, ctypes.c_uint32)),
        ("code_free", None, (pointer,)),
        ("match_data_create_from_pattern", pointer, (pointer, pointer)),
        ("match_data_free", None, (pointer,)),
        ("match_context_create", pointer, (pointer,)),
        ("set_match_limit", ctypes.c_int, (pointer, ctypes.c_uint32)),
        ("set_depth_limit", ctypes.c_int, (pointer, ctypes.c_uint32)),
        ("get_ovector_pointer", ctypes.POINTER(ctypes.c_size_t), (pointer,)),
        ("get_error_message", ctypes.c_int, (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)),
        (
            "match",
            ctypes.c_int,
            (pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint32, pointer, pointer),
        ),
    ):
        entry = getattr(library, f"pcre2_{function}_8")
        entry.restype = result
        entry.argtypes = arguments
    return library


@lru_cache(maxsize=1)
def _limits() -> Any:
    library = _library()
    context = library.pcre2_match_context_create_8(None)
    library.pcre2_set_match_limit_8(context, MATCH_LIMIT)
    library.pcre2_set_depth_limit_8(context, RECURSION_LIMIT)
    return context


class _Pcre2:
    """One expression compiled by libpcre2, freed with this object."""

    def __init__(self, library: Any, expression: bytes, flags: str) -> None:
        self._library = library
        self._code: int | None = None
        self._data: int | None = None
        options = 0
        for flag in flags:
            options |= _OPTIONS[flag]
        error, place = ctypes.c_int(), ctypes.c_size_t()
        code = library.pcre2_compile_8(
            expression, len(expression), options, ctypes.byref(error), ctypes.byref(place), None
        )
        if not code:
            message = ctypes.create_string_buffer(256)
            library.pcre2_get_error_message_8(error.value, message, 256)
            raise RuleFault(
                f"pcre: {message.value.decode(errors='replace')} at {place.value} of the expression"
            )
        self._code = code

    def __call__(self, subject: bytes, start: int) -> tuple[tuple[int, int], ...] | None:
        if self._data is None:
            # Machine code where the library can make it, as the reference has it; else it interprets.
            self._library.pcre2_jit_compile_8(self._code, _JIT_COMPLETE)
            self._data = self._library.pcre2_match_data_create_from_pattern_8(self._code, None)
            self._spans = self._library.pcre2_get_ovector_pointer_8(self._data)
        count = self._library.pcre2_match_8(
            self._code, subject, len(subject), start, 0, self._data, _limits()
        )
        if count <= 0:  # nothing found, or a limit was reached
            return None
        spans = self._spans
        return tuple(
            (spans[2 * i], spans[2 * i + 1]) if spans[2 * i] <= len(subject) else (-1, -1)
            for i in range(count)
        )

    def __del__(self) -> None:
        if self._data is not None:
            self._library.pcre2_match_data_free_8(self._data)
        if self._code is not None:
            self._library.pcre2_code_free_8(self._code)


def _translated(expression: bytes, flags: str) -> Search:
    anchored = "A" in flags
    options = 0
    for flag in flags:
        if flag not in _RE_FLAGS:
            raise RuleFault(f"pcre: the flag {flag} needs libpcre2")
        options |= _RE_FLAGS[flag]
    try:
        pattern = re.compile(translate(expression, dollar_end="E" in flags), options)
    except (re.error, RecursionError, OverflowError) as e:
        raise RuleFault(f"pcre: {e} (without libpcre2)") from None
    search = pattern.match if anchored else pattern.search

    def find(subject: bytes, start: int) -> tuple[tuple[int, int], ...] | None:
        match = search(subject, start)
        return None if match is None else match.regs

    return find


def translate(expression: bytes, dollar_end: bool = False) -> bytes:
    """PCRE's syntax in Python's."""
    out = _CLASS.sub(lambda m: _POSIX.get(m[1], m[0]), expression)
    out = _BRACED.sub(lambda m: b"\\x" + m[1].rjust(2, b"0"), out)
    out = _CONTROL.sub(lambda m: b"\\x" + m[1].rjust(2, b"0"), out)
    out = _NAMED.sub(rb"(?P<\1>", out)
    out = _ESCAPES.sub(_escape, out)
    return re.sub(rb"(?<!\\)\$$", rb"\\Z", out) if dollar_end else out


def _escape(match: re.Match[bytes]) -> bytes:
    letter = match[1]
    if letter == b"e":
        return rb"\x1b"
    if letter == b"h":
        return rb"[ \t\xa0]"
    if letter == b"R":
        return rb"(?:\r\n|[\n\x0b\f\r\x85])"
    if letter == b"z":
        return rb"\Z"
    return b"\\" + letter
