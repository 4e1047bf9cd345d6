"""HTML as tags and texts, in one pass over hostile text.

Not a tree as browsers build it: their rules let a page of a megabyte grow into billions of nodes (formatting
elements are opened anew in each paragraph), and the standard library's reader is quadratic in broken
comments. What is read here goes forward only: each character is looked at a bounded number of times.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

#: Tags and texts of one page that are read; what follows is left out.
MAX_TOKENS = 100_000
#: Attributes of one tag, and characters of one value.
MAX_ATTRIBUTES, MAX_VALUE = 64, 4096
#: Elements whose text is no markup: it goes on to their own end tag.
RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe", "plaintext"})

_NAME = re.compile(r"[A-Za-z][^\s/>\x00]{0,63}")
# One attribute: name, and a value in quotation marks, apostrophes or neither. Its parts share no character,
# so that there is one way to match.
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?""")


class Tag(NamedTuple):
    """A start tag, or an end tag (`end`). Names are in lower case; values have their references resolved."""

    name: str
    attributes: dict[str, str]
    end: bool = False
    #: What stands inside an element of RAW.
    inside: str = ""


def tokens(text: str) -> Iterator[Tag | str]:
    """Tags, and the texts between them, in order. Never raises."""
    at, size, given = 0, len(text), 0
    while at < size and given < MAX_TOKENS:
        given += 1
        opened = text.find("<", at)
        if opened < 0:
            yield html.unescape(text[at:])
            return
        if opened > at:
            yield html.unescape(text[at:opened])
        at = opened
        follows = text[at + 1 : at + 2]
        if text.startswith("<!--", at):
            at = _behind(text, "-->", at + 4)
        elif follows in {"!", "?"}:
            at = _behind(text, ">", at + 2)
        elif follows == "/" and (name := _NAME.match(text, at + 2)):
            at = _behind(text, ">", name.end())
            yield Tag(name[0].lower(), {}, end=True)
        elif name := _NAME.match(text, at + 1):
            tag, at = _start(text, name[0].lower(), name.end())
            yield tag
        else:
            yield "<"
            at += 1


def _behind(text: str, what: str, at: int) -> int:
    """The place behind `what`, or the end of the text where it does not come."""
    found = text.find(what, at)
    return len(text) if found < 0 else found + len(what)


def _start(text: str, name: str, at: int) -> tuple[Tag, int]:
    """A start tag from behind its name on, and the place behind it; of RAW elements behind their end tag."""
    attributes: dict[str, str] = {}
    while found := _ATTRIBUTE.match(text, at):
        at = found.end()
        if len(attributes) < MAX_ATTRIBUTES:
            value = next((v for v in found.groups()[1:] if v is not None), "")
            attributes.setdefault(found[1][:64].lower(), html.unescape(value[:MAX_VALUE]))
    at = _behind(text, ">", at)
    if name not in RAW:
        return Tag(name, attributes), at
    stop, behind = _end_of(text, name, at)
    return Tag(name, attributes, inside=text[at:stop]), behind


def _end_of(text: str, name: str, at: int) -> tuple[int, int]:
    """Where what is inside a RAW element ends, and where it goes on behind its end tag."""
    found = _ENDS[name].search(text, at)
    if found is None:
        return len(text), len(text)
    return found.start(), _behind(text, ">", found.end())


_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}
