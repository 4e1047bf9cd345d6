"""How often a rule may tell, and what it does beside telling."""

from __future__ import annotations

from rules.keywords.base import NONE, Keyword
from rules.language.builder import Builder
from rules.language.model import Limit, Tag

TRACKS = frozenset({"by_src", "by_dst", "by_both", "by_rule", "by_flow"})


def fields_of(builder: Builder, value: str, keyword: str) -> dict[str, str]:
    """`type limit, track by_src, count 1, seconds 60` as a mapping."""
    found: dict[str, str] = {}
    for part in value.split(","):
        words = part.split()
        if len(words) != 2 or words[0] in found:
            raise builder.fault(f"{keyword} does not understand {part.strip()!r}")
        found[words[0]] = words[1]
    return found


def threshold(builder: Builder, value: str) -> None:
    """`threshold: type limit|threshold|both|backoff, track ..., count n, seconds s`."""
    if builder.rule.limit or builder.rule.filter:
        raise builder.fault("a rule has one threshold or detection_filter")
    given = fields_of(builder, value, "threshold")
    kind = given.get("type", "")
    if kind not in {"limit", "threshold", "both", "backoff"}:
        raise builder.fault(f"threshold has no type {kind!r}")
    builder.rule.limit = _limit(builder, kind, given, "threshold")


def detection_filter(builder: Builder, value: str) -> None:
    """`detection_filter: track ..., count n, seconds s`."""
    if builder.rule.limit or builder.rule.filter:
        raise builder.fault("a rule has one threshold or detection_filter")
    given = fields_of(builder, value, "detection_filter")
    builder.rule.filter = _limit(builder, "detection_filter", given, "detection_filter")


def _limit(builder: Builder, kind: str, given: dict[str, str], keyword: str) -> Limit:
    needed = {"track", "count"} | ({"multiplier"} if kind == "backoff" else {"seconds"})
    allowed = needed | ({"type"} if keyword == "threshold" else set())
    if needed - set(given) or set(given) - allowed:
        raise builder.fault(f"{keyword} takes {', '.join(sorted(allowed))}")
    if given["track"] not in TRACKS:
        raise builder.fault(f"{keyword} cannot track {given['track']!r}")
    if kind == "backoff" and given["track"] != "by_flow":
        raise builder.fault("a backoff threshold tracks by_flow")
    return Limit(
        kind,
        given["track"],
        builder.number(given["count"], f"{keyword} count", 1, (1 << 32) - 1),
        builder.number(given.get("seconds", "0"), f"{keyword} seconds", 0, (1 << 32) - 1),
        builder.number(given.get("multiplier", "0"), f"{keyword} multiplier", 0, (1 << 32) - 1),
    )


def tag(builder: Builder, value: str) -> None:
    """`tag:session|host[,count,packets|bytes|seconds[,src|dst]]`."""
    parts = [part.strip() for part in value.split(",")]
    if parts[0] not in {"session", "host"}:
        raise builder.fault(f"tag does not know {parts[0]!r}")
    if len(parts) == 1:
        builder.rule.tag = Tag(parts[0], 0, "")
        return
    if len(parts) not in {3, 4} or parts[2] not in {"packets", "bytes", "seconds"}:
        raise builder.fault("tag takes session or host, a number, packets, bytes or seconds, and a side")
    side = parts[3] if len(parts) == 4 else ""
    if side not in {"", "src", "dst"}:
        raise builder.fault(f"tag does not know the side {side!r}")
    builder.rule.tag = Tag(parts[0], builder.number(parts[1], "tag", 0, (1 << 32) - 1), parts[2], side)


def noalert(builder: Builder, _value: str) -> None:
    """The rule does what it does and tells nobody."""
    builder.rule.silent = True


def alert(builder: Builder, _value: str) -> None:
    """A pass rule that tells nevertheless."""
    builder.rule.alerting = True


def prefilter(builder: Builder, _value: str) -> None:
    """Decide the rule's packet condition first; here the engine chooses."""
    builder.rule.prefilter = True


KEYWORDS = {
    "threshold": Keyword(threshold),
    "detection_filter": Keyword(detection_filter),
    "tag": Keyword(tag),
    "noalert": Keyword(noalert, NONE),
    "alert": Keyword(alert, NONE),
    "prefilter": Keyword(prefilter, NONE),
}
