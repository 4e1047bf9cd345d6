"""A page as what its drift is told by: text, build, what it uses and leads to elsewhere, what it hides."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from urllib.parse import urljoin, urlsplit

import msgspec

from citywall.portals import host_of
from ingest.portals import hiding, sketches, words
from ingest.portals.hiding import Sheets
from ingest.portals.markup import Tag, tokens
from ingest.portals.sketches import Sketch

#: Open elements that are told apart, letters of visible text, tags that shape the page, hosts of one kind.
_DEEPEST, _TEXT, _TAGS, _HOSTS = 512, 1 << 20, 1 << 17, 500
_LONG = 120
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
                   "track", "wbr", "param", "keygen"})  # fmt: skip
#: Elements that end where another of theirs begins.
_ALIKE = frozenset({"p", "li", "option", "tr", "td", "th", "dd", "dt", "a"})
#: Elements that no paragraph holds.
_BLOCKS = frozenset({"div", "ul", "ol", "dl", "table", "form", "section", "article", "header", "footer",
                     "nav", "h1", "h2", "h3", "h4", "h5", "h6", "center", "fieldset", "main", "aside",
                     "pre"})  # fmt: skip
_UNSEEN = frozenset({"script", "style", "noscript", "template", "head", "title", "noframes", "noembed"})
#: A script that looks where somebody comes from, or who looks, and leads elsewhere.
_ASKS = re.compile(
    r"document\s*(?:\.\s*referrer|\[\s*[\"']referrer)|navigator\s*\.\s*userAgent", re.IGNORECASE
)
_NAMES_ENGINE = re.compile(
    r"baidu|google|sogou|so\.com|haosou|bing\b|yahoo|sm\.cn|shenma|spider", re.IGNORECASE
)
_LEADS = re.compile(
    r"location(?:\s*\.\s*(?:href|replace|assign))?\s*[=(]|document\s*\.\s*write(?:ln)?\s*\(|\.src\s*=",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?:)?//[A-Za-z0-9.-]{3,253}(?::\d{1,5})?(?:/[^\s\"'<>\\]{0,200})?")
_WRITTEN = re.compile(r"document\s*\.\s*write(?:ln)?\s*\(", re.IGNORECASE)
_SCRIPT_LOOKED = 1 << 17
#: How a page names its own character set.
CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{1,32})", re.IGNORECASE)


class Hidden(msgspec.Struct, frozen=True, order=True):
    """A link to elsewhere that people do not see: where to, how it is kept from sight, what it says."""

    host: str
    how: str
    text: str = ""


class Page(msgspec.Struct, frozen=True):
    """What is compared. Hosts are those of other sites than the page's own; all in order."""

    title: str = ""
    letters: int = 0
    text: Sketch = ()
    build: Sketch = ()
    scripts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    refresh: str = ""
    diverts: str = ""
    words: tuple[str, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """Every other site that it uses or leads to."""
        return frozenset(
            (*self.scripts, *self.frames, *self.forms, *self.links, *(h.host for h in self.hidden))
        )


def read(text: str, url: str, ignore: Sequence[str] = ()) -> Page:
    """Read a page that was fetched from `url`. Text in what `ignore` selects does not count. Never raises."""
    reader = _Reader(url, ignore)
    for token in tokens(text):
        if isinstance(token, str):
            reader.text(token)
        elif token.end:
            reader.close(token.name)
        else:
            reader.open(token)
    return reader.page()


def difference(one: Page, other: Page) -> int:
    """How much two pages differ, in thousandths: in their text, where they have any, else in their build."""
    if min(len(one.text), len(other.text)) >= sketches.LEAST:
        return round(1000 * (1 - sketches.common(one.text, other.text)))
    if max(one.letters, other.letters) >= 4 * sketches.LEAST:  # one of them has hardly any text
        build = sketches.common(one.build, other.build)
        return round(1000 * (1 - min(build, sketches.common(one.text, other.text))))
    return round(1000 * (1 - sketches.common(one.build, other.build)))


class _Open(msgspec.Struct):
    """An open element: how it is kept from sight (by itself or one around it), and the colour behind it."""

    name: str
    how: str
    behind: str
    ignored: bool
    link: int = -1  # its place among the links


class _Link(msgspec.Struct):
    host: str
    how: str
    text: str = ""


class _Reader:
    def __init__(self, url: str, ignore: Sequence[str]) -> None:
        self._base = url
        self._own = host_of(url)
        self._ignore = [_selector(each) for each in ignore]
        self._sheets = Sheets()
        self._stack: list[_Open] = []
        self._deeper = 0  # elements open beyond the deepest that is told apart
        self._title, self._refresh, self._diverts = "", "", ""
        self._pieces: list[str] = []
        self._letters = 0
        self._tags: list[str] = []
        self._found: dict[str, dict[str, None]] = {"scripts": {}, "frames": {}, "forms": {}}
        self._links: list[_Link] = []
        self._in_link: list[int] = []

    # --- tokens ---

    def text(self, said: str) -> None:
        top = self._stack[-1] if self._stack else None
        for at in self._in_link[-1:]:
            link = self._links[at]
            if len(link.text) < _LONG:
                link.text = f"{link.text} {said.strip()}".strip()[:_LONG]
        if top is not None and (top.how or top.ignored or top.name in _UNSEEN):
            return
        if self._letters < _TEXT and not said.isspace():
            self._pieces.append(said)
            self._letters += len(said)

    def open(self, tag: Tag) -> None:
        if len(self._tags) < _TAGS:
            self._tags.append(tag.name)
        if tag.name == "base" and (href := tag.attributes.get("href")):
            self._base = _joined(self._base, href)
        top = self._stack[-1].name if self._stack else ""
        if top in _ALIKE and (top == tag.name or (top == "p" and tag.name in _BLOCKS)):
            self.close(top)
        if tag.name in {"style", "script", "title", "meta"}:
            self._head(tag)
        element = self._element(tag)
        self._takes(tag, element)
        if tag.name in _VOID or tag.inside or tag.name in {"script", "style", "title"}:
            return
        if len(self._stack) >= _DEEPEST:
            self._deeper += 1
            return
        if element.link >= 0:
            self._in_link.append(element.link)
        self._stack.append(element)

    def close(self, name: str) -> None:
        if self._deeper:
            self._deeper -= 1
            return
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at].name == name:
                for element in self._stack[at:]:
                    if element.link >= 0:
                        self._in_link.pop()
                del self._stack[at:]
                return

    # --- what a tag says ---

    def _element(self, tag: Tag) -> _Open:
        around = self._stack[-1] if self._stack else _Open("", "", "", ignored=False)
        style = self._sheets.style(tag.name, tag.attributes)
        if colour := tag.attributes.get("color"):
            style.setdefault("color", colour)
        behind = hiding.background(style, tag.attributes) or around.behind or "ffffff"
        how = around.how or hiding.how(style, tag.attributes, behind)
        ignored = around.ignored or any(selects(tag) for selects in self._ignore)
        return _Open(tag.name, how, behind, ignored)

    def _head(self, tag: Tag) -> None:
        if tag.name == "style":
            self._sheets.read(tag.inside)
        elif tag.name == "title" and not self._title:
            self._title = " ".join(tag.inside.split())[:200]
        elif tag.name == "script":
            self._script(tag.inside[:_SCRIPT_LOOKED])
        elif tag.attributes.get("http-equiv", "").lower() == "refresh" and not self._refresh:
            _, found, target = tag.attributes.get("content", "").partition("=")
            if found:
                self._refresh = self._other(target.strip().strip("\"'"))

    def _script(self, said: str) -> None:
        self._sheets.scripted(said)
        hosts = [host for found in _URL.finditer(said) if (host := self._other(found[0]))]
        plain = _URL.sub(" ", said)  # many a page has a search engine count its visitors
        asks = _ASKS.search(plain) and _NAMES_ENGINE.search(plain) and _LEADS.search(plain)
        if asks and not self._diverts:
            self._diverts = hosts[0] if hosts else self._own
        if _WRITTEN.search(said):
            for host in hosts[:_HOSTS]:
                self._links.append(_Link(host, "script"))

    def _takes(self, tag: Tag, element: _Open) -> None:
        """What the tag takes from, or leads to, elsewhere."""
        attributes = tag.attributes
        if tag.name == "script":
            self._note("scripts", attributes.get("src", ""))
        elif tag.name in {"iframe", "frame", "embed", "object"}:
            where = attributes.get("src") or attributes.get("data", "")
            self._note("frames", where)
            if element.how:
                self._link(where, element)
        elif tag.name == "form":
            self._note("forms", attributes.get("action", ""))
        elif tag.name in {"a", "area"}:
            self._link(attributes.get("href", ""), element)

    def _note(self, kind: str, where: str) -> None:
        if (host := self._other(where)) and len(self._found[kind]) < _HOSTS:
            self._found[kind][host] = None

    def _link(self, where: str, element: _Open) -> None:
        host = self._other(where)
        if host and len(self._links) < 20 * _HOSTS:
            element.link = len(self._links)
            self._links.append(_Link(host, element.how))

    def _other(self, where: str) -> str:
        """The host that a reference leads to, empty for one of the page's own site or none."""
        host = host_of(_joined(self._base, where)) if where else ""
        return "" if host == self._own or not sound(host) else host

    # --- the whole ---

    def page(self) -> Page:
        text = " ".join(self._pieces)
        seen = dict.fromkeys(link.host for link in self._links if not link.how)
        hidden = {(link.host, link.how): link for link in self._links if link.how}
        said = " ".join((self._title, *(link.text for link in self._links)))
        return Page(
            self._title, self._letters, sketches.of_text(text), sketches.of_tags(self._tags),
            scripts=tuple(sorted(self._found["scripts"])), frames=tuple(sorted(self._found["frames"])),
            forms=tuple(sorted(self._found["forms"])),
            links=tuple(sorted(seen)[:_HOSTS]),
            hidden=tuple(sorted(Hidden(k.host, k.how, k.text) for k in hidden.values())[:_HOSTS]),
            refresh=self._refresh, diverts=self._diverts,
            words=words.found_in(f"{said} {text}")[:50],
        )  # fmt: skip


def sound(host: str) -> bool:
    """Whether a text can be a host: a name with a dot, or an address."""
    return bool(host) and len(host) <= 253 and (is_address(host) or bool(_HOST.fullmatch(host)))


def is_address(host: str) -> bool:
    """Whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_HOST = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}")


def _joined(base: str, where: str) -> str:
    """A reference made whole; empty where it leads to no web page."""
    said = re.sub(r"[\x00-\x20]", "", where[:4096]).replace("\\", "/")
    try:
        url = urljoin(base, said)
        return url if urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _selector(said: str) -> Callable[[Tag], bool]:
    """Whether a tag is what `tag`, `#id`, `.class` or a tag with one of them selects."""
    name, mark, value = re.fullmatch(r"([A-Za-z0-9]*)([#.]?)(.*)", said, re.DOTALL).groups()  # type: ignore[union-attr]

    def selects(tag: Tag) -> bool:
        if name and tag.name != name.lower():
            return False
        if mark == "#":
            return tag.attributes.get("id") == value
        return not mark or value in tag.attributes.get("class", "").split()

    return selects
