"""What keeps an element from the eyes of people: what dark links (暗链) do, which only spiders are to see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}|[#.][\w-]{1,64}")
_NUMBER = re.compile(r"(-?\d{0,9}(?:\.\d{0,9})?)\s*(px|pt|em|rem|%|vw|vh|cm|mm|in|ex|ch)?\s*\Z")
#: What scripts that hide an element by its id look like.
BY_SCRIPT = re.compile(
    r"""getElementById\(\s*["']([\w-]{1,64})["']\s*\)\.style\.(display|visibility|position|height|width)"""
    r"""\s*=\s*["']([^"']{0,64})["']"""
)
#: Pixels away from the page, and smallest size that is seen.
_FAR, _SEEN = 300.0, 2.0
_NAMED = {"white": "ffffff", "black": "000000", "red": "ff0000", "blue": "0000ff", "green": "008000",
          "gray": "808080", "grey": "808080", "silver": "c0c0c0", "yellow": "ffff00"}  # fmt: skip
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})")
#: Rules, and characters, of a page's own style sheets that are read.
_MOST_RULES, _MOST_SHEET = 5000, 1 << 18


def declarations(style: str) -> dict[str, str]:
    """`name: value; …` as a mapping, in lower case, without `!important`."""
    found: dict[str, str] = {}
    for part in style.lower().split(";")[:100]:
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip()] = value.partition("!")[0].strip()
    return found


def pixels(text: str) -> float | None:
    """A length in pixels, about; None where it is none."""
    found = _NUMBER.match(text.strip())
    if found is None or found[1] in {"", "-", ".", "-."}:
        return None
    factor = {"em": 16.0, "rem": 16.0, "pt": 1.33, "cm": 38.0, "mm": 3.8, "in": 96.0, "vw": 12.0,
              "vh": 8.0, "ex": 8.0, "ch": 8.0}.get(found[2] or "", 1.0)  # fmt: skip
    return float(found[1]) * factor


def colour(text: str) -> str:
    """A colour as six hexadecimal digits; empty where it is not told."""
    said = text.strip().lower()
    if found := re.search(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", said):
        return found[1] if len(found[1]) == 6 else "".join(c * 2 for c in found[1])
    if found := _RGB.search(said):
        return "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return next((value for name, value in _NAMED.items() if re.search(rf"\b{name}\b", said)), "")


def background(style: Mapping[str, str], attributes: Mapping[str, str]) -> str:
    """The colour behind an element, as far as it says."""
    told = style.get("background-color") or style.get("background") or attributes.get("bgcolor", "")
    return colour(told)


def how(style: Mapping[str, str], attributes: Mapping[str, str], behind: str) -> str:
    """How an element is kept from sight, in one word; empty where it is not. `behind`: colour behind it."""
    if "hidden" in attributes:
        return "hidden"
    if style.get("display") == "none":
        return "display"
    if style.get("visibility") in {"hidden", "collapse"}:
        return "visibility"
    for name, word in (("opacity", "opacity"), ("font-size", "size"), ("line-height", "size")):
        value = pixels(style.get(name, ""))
        if value is not None and value < (0.05 if name == "opacity" else _SEEN) and not (
            name == "line-height" and value > 0
        ):  # fmt: skip
            return word
    return _by_place(style) or _by_size(style, attributes) or _by_colour(style, behind)


def _by_place(style: Mapping[str, str]) -> str:
    if style.get("position") in {"absolute", "fixed", "relative"}:
        for name in ("left", "top", "right", "bottom"):
            value = pixels(style.get(name, ""))
            if value is not None and (value <= -_FAR or value >= 30 * _FAR):
                return "offscreen"
    for name in ("text-indent", "margin-left", "margin-top"):
        value = pixels(style.get(name, ""))
        if value is not None and (value <= -_FAR or value >= 30 * _FAR):
            return "offscreen"
    clip = style.get("clip", "").replace(" ", "").replace("px", "")
    return "clip" if clip.startswith(("rect(0,0,0,0", "rect(1,1,1,1", "rect(0000")) else ""


def _by_size(style: Mapping[str, str], attributes: Mapping[str, str]) -> str:
    clipped = style.get("overflow", "").startswith(("hidden", "clip"))
    for name in ("width", "height"):
        told = style.get(name) or (style.get(f"max-{name}") if clipped else None)
        value = pixels(told or "")
        if value is not None and value < _SEEN and clipped:
            return "size"
        given = pixels(attributes.get(name, ""))
        if given is not None and given < _SEEN:
            return "size"
    return ""


def _by_colour(style: Mapping[str, str], behind: str) -> str:
    front = colour(style.get("color", ""))
    own = background(style, {}) or behind
    return "colour" if front and front == own else ""


class Sheets:
    """What a page's own style sheets and scripts say of the elements that it hides."""

    def __init__(self) -> None:
        self._styles: dict[str, dict[str, str]] = {}
        self._rules = 0

    def read(self, sheet: str) -> None:
        """Take in a style sheet; what holds for print or narrow screens only is left out."""
        for selectors, body in _rules(_COMMENT.sub(" ", sheet[:_MOST_SHEET])):
            if self._rules >= _MOST_RULES:
                return
            self._rules += 1
            told = declarations(body)
            for selector in selectors.split(",")[:50]:
                name = selector.strip()
                if _SIMPLE.fullmatch(name):
                    self._styles.setdefault(name, {}).update(told)

    def scripted(self, script: str) -> None:
        """Take in a script that hides elements by their ids."""
        for name, what, value in BY_SCRIPT.findall(script)[:100]:
            self._styles.setdefault(f"#{name}", {})[what] = value.lower()

    def style(self, name: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """What holds of an element: of its tag, its classes, its id, and what it says itself."""
        found: dict[str, str] = dict(self._styles.get(name, ()))
        for class_ in attributes.get("class", "").split()[:20]:
            found |= self._styles.get(f".{class_}", {})
        if id_ := attributes.get("id"):
            found |= self._styles.get(f"#{id_}", {})
        return found | declarations(attributes.get("style", ""))


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of the rules of a sheet that hold under no condition."""
    depth = start = 0
    selectors, at_rule = "", False
    for found in _BRACE.finditer(sheet):
        if found[0] == "{":
            if depth == 0:
                selectors = sheet[start : found.start()].rpartition(";")[2]
                at_rule = "@" in selectors
            depth += 1
        else:
            if depth == 1 and not at_rule:
                yield selectors, sheet[start : found.start()]
            depth = max(depth - 1, 0)
        start = found.end()
