"""A rule's demands in words, in the order in which they are decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from rules.language.addresses import ALL_ADDRESSES, ALL_PORTS, MAPPED, Ranges
from rules.language.model import TO_SERVER, BufferCheck, Content, Op, Pcre, Rule


def demands(rule: Rule) -> list[str]:
    """One line a condition."""
    return list(_demands(rule))


def _demands(rule: Rule) -> Iterator[str]:
    yield f"protocol {rule.protocol}" + (f", at {rule.hook}" if rule.hook else "")
    for name, ranges, everything in (
        ("source address", rule.source, ALL_ADDRESSES),
        ("source port", rule.source_ports, ALL_PORTS),
        ("target address", rule.target, ALL_ADDRESSES),
        ("target port", rule.target_ports, ALL_PORTS),
    ):
        if ranges != everything:
            yield f"{name} {ranges_text(ranges, ports=everything is ALL_PORTS)}"
    if rule.flow.direction:
        yield f"to the {'server' if rule.flow.direction == TO_SERVER else 'client'}"
    if rule.flow.established is not None:
        yield "connection established" if rule.flow.established else "connection not established"
    yield from _conditions(rule)
    for check in rule.buffers:
        yield from buffer_text(check)
    for bits in rule.bits:
        yield f"{bits.scope} bit {bits.op} {' or '.join(bits.names)}"
    for integer in rule.integers:
        yield f"flow number {integer.name} {integer.op} {integer.value}"
    for limit in (rule.limit, rule.filter):
        if limit is not None:
            yield f"{limit.kind} {limit.count} in {limit.seconds} s, {limit.track}"


def _conditions(rule: Rule) -> Iterator[str]:
    for number in (*rule.numbers, *rule.fields):
        yield f"{number.name} {'not ' * number.negated}{span_text(number.low, number.high)}"
    for flags in rule.flags:
        yield f"{flags.name} {flags.mode}{flags.wanted:#x} of {0xFF & ~flags.ignored:#x}"
    for size in rule.stream_sizes:
        yield f"stream bytes of {size.side} {size.op} {size.value}"
    for happening in rule.happenings:
        yield f"{happening.kind} event {happening.name}"


def buffer_text(check: BufferCheck) -> Iterator[str]:
    """One line an op."""
    changed = "".join(f" | {transform.name}" for transform in check.transforms)
    for op in check.ops:
        yield f"{check.kind}{changed}: {op_text(op)}"
    for op in check.decoded:
        yield f"{check.kind}{changed} | base64: {op_text(op)}"


def op_text(op: Op) -> str:
    """An op with what was said of it."""
    if isinstance(op, Content):
        said = [f"{'not ' * op.negated}{bytes_text(op.pattern)}"]
    elif isinstance(op, Pcre):
        said = [f"{'not ' * op.negated}/{op.pattern.decode('utf-8', 'backslashreplace')}/{op.flags}"]
    else:
        said = [type(op).__name__.lower()]
    for each in fields(op):
        value = getattr(op, each.name)
        if each.name in {"pattern", "negated", "column", "fast", "fast_only", "chop", "flags", "values"}:
            continue
        if value or (value == 0 and value is not False):
            said.append(f"{each.name} {value}" if value is not True else each.name)
    return ", ".join(said)


def bytes_text(data: bytes, most: int = 200) -> str:
    """Bytes as a content is written."""
    out: list[str] = []
    in_hex = False
    for byte in data[:most]:
        printable = 32 <= byte < 127 and byte not in b'|"\\;'
        if printable is in_hex:
            out.append("|")
            in_hex = not printable
        elif in_hex:
            out.append(" ")
        out.append(chr(byte) if printable else f"{byte:02x}")
    return '"' + "".join(out) + "|" * in_hex + '"' + "..." * (len(data) > most)


def span_text(low: int, high: int) -> str:
    """One number or a range."""
    return str(low) if low == high else f"{low}..{high}"


def ranges_text(ranges: Ranges, *, ports: bool) -> str:
    """The first few ranges."""
    from ipaddress import ip_address

    def one(number: int) -> str:
        if ports:
            return str(number)
        return (
            str(ip_address(number - MAPPED))
            if MAPPED <= number < MAPPED + (1 << 32)
            else str(ip_address(number))
        )

    said = [one(low) if low == high else f"{one(low)}-{one(high)}" for low, high in ranges[:4]]
    return ", ".join(said) + (f" and {len(ranges) - 4} more" if len(ranges) > 4 else "")
