"""Keywords about Modbus, DNP3 and EtherNet/IP."""

from __future__ import annotations

import re

from rules.keywords.base import Keyword, bounds, demand
from rules.language.builder import Builder
from rules.language.model import Number

_DNP3 = frozenset({"dnp3"})
_WORD = re.compile(r"0x[0-9a-f]{1,4}|0|[1-9][0-9]{0,4}")
_MODBUS = frozenset({"modbus"})
_ENIP = frozenset({"enip"})
_ENIP_COMMANDS = {
    "nop": 0, "list_services": 4, "list_identity": 0x63, "list_interfaces": 0x64, "register_session": 0x65,
    "unregister_session": 0x66, "send_rr_data": 0x6F, "send_unit_data": 0x70, "indicate_status": 0x72,
    "cancel": 0x73,
}  # fmt: skip
_ENIP_STATUSES = {
    "success": 0, "invalid_cmd": 1, "no_resources": 2, "incorrect_data": 3, "invalid_session": 0x64,
    "invalid_length": 0x65, "unsupported_prot_rev": 0x69, "encap_header_error": 0x6A,
}  # fmt: skip
#: Numbers of EtherNet/IP and the greatest that each can be.
_ENIP_NUMBERS = {
    "capabilities": 0xFFFF, "cip_attribute": 0xFFFFFFFF, "cip_class": 0xFFFFFFFF,
    "cip_extendedstatus": 0xFFFF, "cip_instance": 0xFFFFFFFF, "cip_status": 0xFF, "device_type": 0xFFFF,
    "identity_status": 0xFFFF, "product_code": 0xFFFF, "protocol_version": 0xFFFF, "revision": 0xFFFF,
    "serial": 0xFFFFFFFF, "state": 0xFF, "vendor_id": 0xFFFF,
}  # fmt: skip
_FUNCTIONS = {
    name: number
    for number, name in enumerate(
        (
            "confirm", "read", "write", "select", "operate", "direct_operate", "direct_operate_nr",
            "immed_freeze", "immed_freeze_nr", "freeze_clear", "freeze_clear_nr", "freeze_at_time",
            "freeze_at_time_nr", "cold_restart", "warm_restart", "initialize_data", "initialize_appl",
            "start_appl", "stop_appl", "save_config", "enable_unsolicited", "disable_unsolicited",
            "assign_class", "delay_measure", "record_current_time", "open_file", "close_file", "delete_file",
            "get_file_info", "authenticate_file", "abort_file", "activate_config", "authenticate_req",
            "authenticate_err",
        )
    )
} | {"response": 129, "unsolicited_response": 130, "authenticate_resp": 131}  # fmt: skip
_INDICATIONS = {
    "all_stations": 0x0100, "class_1_events": 0x0200, "class_2_events": 0x0400, "class_3_events": 0x0800,
    "need_time": 0x1000, "local_control": 0x2000, "device_trouble": 0x4000, "device_restart": 0x8000,
    "no_func_code_support": 1, "object_unknown": 2, "parameter_error": 4, "event_buffer_overflow": 8,
    "already_executing": 16, "config_corrupt": 32, "reserved_2": 64, "reserved_1": 128,
}  # fmt: skip
#: Categories of Modbus functions, as bits of `modbus.category`.
_GROUPS = {"assigned": 1, "unassigned": 2, "public": 3, "user": 4, "reserved": 8, "all": 15}
_READS = {"discretes": {2}, "coils": {1}, "input": {4}, "holding": {3, 23}}
_WRITES = {"coils": {5, 15}, "holding": {6, 16, 22, 23}}


def dnp3_function(builder: Builder, value: str) -> None:
    """`dnp3_func:read`, or a number."""
    builder.allow(_DNP3, "dnp3_func")
    builder.rule.fields.append(demand(builder, value, "dnp3.func", 255, _FUNCTIONS))


def dnp3_indications(builder: Builder, value: str) -> None:
    """`dnp3_ind:flag[,flag]`: any of them; or a number of two bytes, any of its bits."""
    builder.allow(_DNP3, "dnp3_ind")
    mask = 0
    for part in (p.strip().lower() for p in value.split(",")):
        number = int(part, 0) if _WORD.fullmatch(part) else _INDICATIONS.get(part)
        if number is None or number > 0xFFFF:
            raise builder.fault(f"dnp3_ind does not know {part!r}")
        mask |= number
    builder.rule.fields.append(Number("dnp3.ind", 0, 0, negated=True, mask=mask))


def dnp3_object(builder: Builder, value: str) -> None:
    """`dnp3_obj:group,variation`."""
    builder.allow(_DNP3, "dnp3_obj")
    parts = [builder.number(part, "dnp3_obj", 0, 255) for part in value.split(",")]
    if len(parts) != 2:
        raise builder.fault("dnp3_obj takes a group and a variation")
    builder.rule.fields.append(Number("dnp3.obj", parts[0] << 8 | parts[1], parts[0] << 8 | parts[1]))


def modbus(builder: Builder, value: str) -> None:
    """`modbus: unit 10, function 8, subfunction 4`, `access read coils, address <100`."""
    builder.allow(_MODBUS, "modbus")
    for part in (p.strip() for p in value.split(",")):
        match = re.fullmatch(r"(unit|function|subfunction|access|address|value)\s+(.+)", part)
        if match is None:
            raise builder.fault(f"modbus does not know {part!r}")
        _modbus_part(builder, match[1], match[2].strip())


def _modbus_part(builder: Builder, word: str, text: str) -> None:
    if word == "access":
        _access(builder, text)
    elif word == "function" and (name := text.lstrip("! ")) in _GROUPS:
        group = _GROUPS[name] ^ (15 if text.startswith("!") else 0)
        builder.rule.others.append(("modbus", f"group,{group}"))
    else:
        field = {"address": "modbus.span", "value": "modbus.value"}.get(word, f"modbus.{word}")
        low, high, negated = bounds(builder, text, f"modbus {word}", 65535)
        builder.rule.others.append(("modbus", f"{field},{low},{high},{int(negated)}"))


def _access(builder: Builder, text: str) -> None:
    words = text.split()
    tables = {"read": _READS, "write": _WRITES}.get(words[0])
    if tables is None or len(words) > 2 or (len(words) == 2 and words[1] not in tables):
        raise builder.fault(f"modbus access does not know {text!r}")
    wanted = tables[words[1]] if len(words) == 2 else set().union(*tables.values())
    told = "/".join(map(str, sorted(wanted)))
    builder.rule.others.append(("modbus", f"one,{told}"))


def enip_number(name: str, top: int, names: dict[str, int] | None = None) -> Keyword:
    """A number of EtherNet/IP: of the message, the device, or what CIP says in it."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(_ENIP, f"enip.{name}")
        builder.rule.fields.append(demand(builder, value, f"enip.{name}", top, names))

    return Keyword(setup)


def cip_service(builder: Builder, value: str) -> None:
    """`cip_service:service[,class[,[!]attribute]]`, all of one message; a `!` leaves the attribute open."""
    builder.allow(_ENIP, "cip_service")
    match = re.fullmatch(r"\s*(\d+)\s*(?:,\s*(\d+)\s*(?:,\s*(!?)\s*(\d+)\s*)?)?", value)
    if match is None:
        raise builder.fault(f"cip_service does not know {value.strip()!r}")
    told = [str(builder.number(match[1], "cip_service", 0, 0x7F))]
    if match[2]:
        told.append(str(builder.number(match[2], "cip_service", 0, 0xFFFFFFFF)))
    if match[4] and not match[3]:
        told.append(str(builder.number(match[4], "cip_service", 0, 0xFFFFFFFF)))
    builder.rule.others.append(("enip.cip_service", ",".join(told)))


KEYWORDS = {
    **{name: Keyword(dnp3_function) for name in ("dnp3_func", "dnp3.func")},
    **{name: Keyword(dnp3_indications) for name in ("dnp3_ind", "dnp3.ind")},
    **{name: Keyword(dnp3_object) for name in ("dnp3_obj", "dnp3.obj")},
    "modbus": Keyword(modbus),
    **{f"enip.{name}": enip_number(name, top) for name, top in _ENIP_NUMBERS.items()},
    **{name: enip_number("command", 0xFFFF, _ENIP_COMMANDS) for name in ("enip_command", "enip.command")},
    "enip.status": enip_number("status", 0xFFFFFFFF, _ENIP_STATUSES),
    "cip_service": Keyword(cip_service),
}
