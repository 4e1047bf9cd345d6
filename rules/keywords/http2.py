"""Keywords about HTTP/2 frames."""

from __future__ import annotations

import re

from rules.keywords.base import Keyword, bounds
from rules.language.builder import Builder
from rules.language.model import Number

_PROTOCOLS = frozenset({"http2"})
_FRAMES = {
    "data": 0, "headers": 1, "priority": 2, "rststream": 3, "settings": 4, "pushpromise": 5, "ping": 6,
    "goaway": 7, "windowupdate": 8, "continuation": 9,
}  # fmt: skip
_ERRORS = {
    name: number
    for number, name in enumerate(
        (
            "no_error", "protocol_error", "internal_error", "flow_control_error", "settings_timeout",
            "stream_closed", "frame_size_error", "refused_stream", "cancel", "compression_error",
            "connect_error", "enhance_your_calm", "inadequate_security", "http_1_1_required",
        )
    )
}  # fmt: skip
_SETTINGS = {
    "settings_header_table_size": 1, "settings_enable_push": 2, "settings_max_concurrent_streams": 3,
    "settings_initial_window_size": 4, "settings_max_frame_size": 5, "settings_max_header_list_size": 6,
    "settings_enable_connect_protocol": 8, "settings_no_rfc7540_priorities": 9,
}  # fmt: skip
_SETTING = re.compile(r"^\s*([A-Za-z0-9_]+)\s*(.*)$")
_TOP = (1 << 32) - 1


def _named(field: str, names: dict[str, int], top: int) -> Keyword:
    """A number or a name for it, without comparisons."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(_PROTOCOLS, field)
        text = value.strip()
        number = int(text) if text.isdigit() else names.get(text.lower(), -1)
        if not 0 <= number <= top:
            raise builder.fault(f"{field} does not know {text!r}")
        builder.rule.fields.append(Number(field, number, number))

    return Keyword(setup)


def _compared(field: str, top: int) -> Keyword:
    def setup(builder: Builder, value: str) -> None:
        builder.allow(_PROTOCOLS, field)
        builder.rule.fields.append(Number(field, *bounds(builder, value, field, top)))

    return Keyword(setup)


def settings(builder: Builder, value: str) -> None:
    """`http2.settings:SETTINGS_ENABLE_PUSH[=0]`: a setting, and its value."""
    builder.allow(_PROTOCOLS, "http2.settings")
    match = _SETTING.match(value)
    ident = _SETTINGS.get(match[1].lower()) if match else None
    if match is None or ident is None:
        raise builder.fault(f"http2.settings knows no setting {value.strip()!r}")
    low, high, negated = 0, _TOP, False
    if match[2]:
        low, high, negated = bounds(builder, match[2], "http2.settings", _TOP)
    builder.rule.others.append(("http2.settings", f"{ident},{low},{high},{int(negated)}"))


KEYWORDS = {
    "http2.frametype": _named("http2.frametype", _FRAMES, 255),
    "http2.errorcode": _named("http2.errorcode", _ERRORS, _TOP),
    "http2.priority": _compared("http2.priority", 255),
    "http2.window": _compared("http2.window", _TOP),
    "http2.size_update": _compared("http2.size_update", (1 << 62) - 1),
    "http2.settings": Keyword(settings),
}
