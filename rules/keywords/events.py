"""Events of decoders, streams and applications."""

from __future__ import annotations

import re

from rules.keywords.base import Keyword, unquoted
from rules.language.builder import Builder
from rules.language.model import Happening
from rules.language.states import place

_NAME = re.compile(r"^[\w.+-]+$")
#: Application layers that raise events.
_LAYERS = {"http1": "http", "applayer": "", "ikev2": "ike"}


def decode_event(builder: Builder, value: str) -> None:
    """`decode-event:ipv4.pkt_too_small`."""
    builder.rule.happenings.append(Happening("decode", _name(builder, value)))
    builder.packet_only = builder.packet_only or "decode-event"


def stream_event(builder: Builder, value: str) -> None:
    """`stream-event:3whs_ack_in_wrong_dir`."""
    builder.rule.happenings.append(Happening("stream", _name(builder, value).removeprefix("stream.")))
    builder.packet_only = builder.packet_only or "stream-event"


def app_layer_event(builder: Builder, value: str) -> None:
    """`app-layer-event:http.invalid_request_chunk_len`, or of any layer: `applayer_mismatch...`."""
    name = _name(builder, value)
    layer, dot, _ = name.partition(".")
    if dot:
        layer = _LAYERS.get(layer, layer)
        if layer:
            name = f"{layer}.{name.partition('.')[2]}"
            builder.allow(frozenset({layer}), "app-layer-event")
    builder.rule.happenings.append(Happening("application", name))


def _name(builder: Builder, value: str) -> str:
    name = unquoted(value)
    if not _NAME.match(name):
        raise builder.fault(f"{name!r} is no name of an event")
    return name


def app_layer_protocol(builder: Builder, value: str) -> None:
    """`app-layer-protocol:[!]name[,mode]`."""
    text, _, mode = value.partition(",")
    negated = text.strip().startswith("!")
    name = text.strip().lstrip("! ")
    mode = mode.strip() or "direction"
    if mode not in {"direction", "final", "original", "either", "to_server", "to_client"}:
        raise builder.fault(f"app-layer-protocol has no mode {mode!r}")
    if not _NAME.match(name):
        raise builder.fault(f"{name!r} is no protocol")
    for _, other, before in builder.rule.applications:
        if before == mode and (not negated or not other):
            raise builder.fault("app-layer-protocol: two demands of one direction exclude each other")
    builder.rule.applications.append((name.lower(), negated, mode))


def app_layer_state(builder: Builder, value: str) -> None:
    """`app-layer-state:[<>]name`: how far the transaction is."""
    text = value.strip()
    match = re.fullmatch(r"([<>]?)\s*(\w+)", text)
    if match is None or place(builder.rule.protocol, match[2]) is None:
        raise builder.fault(f"app-layer-state: {builder.rule.protocol} has no state {text!r}")
    if match[1]:
        builder.rule.others.append(("app-layer-state", match[1] + match[2]))
    elif builder.rule.hook:
        raise builder.fault("app-layer-state goes with no hook in the header")
    else:
        builder.rule.hook = match[2]


KEYWORDS = {
    "decode-event": Keyword(decode_event),
    "stream-event": Keyword(stream_event),
    "app-layer-event": Keyword(app_layer_event),
    "engine-event": Keyword(decode_event),
    "app-layer-protocol": Keyword(app_layer_protocol),
    "app-layer-state": Keyword(app_layer_state),
}
