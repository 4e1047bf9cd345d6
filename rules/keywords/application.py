"""Keywords about application transactions that are no buffers: numbers, states, files, data sets."""

from __future__ import annotations

import re

from rules.keywords.base import NONE, OPTIONAL, Keyword, bounds, demand, named_number, quoted, unquoted
from rules.keywords.sticky import SIDES
from rules.language.builder import Builder
from rules.language.model import TO_CLIENT, TO_SERVER, Absent, BufferCheck, Content, Number, Size

_SA_ATTRIBUTES = frozenset(
    {"alg_enc", "alg_hash", "alg_auth", "alg_dh", "alg_prf", "sa_group_type", "sa_life_type",
     "sa_life_duration", "sa_key_length", "sa_field_size"}
)  # fmt: skip
_TLS_VERSIONS = {
    "1.0": "TLSv1", "1.1": "TLS 1.1", "1.2": "TLS 1.2", "1.3": "TLS 1.3", "sslv2": "SSLv2", "sslv3": "SSLv3",
}  # fmt: skip
_VERSIONS = {"1.0": 0x301, "1.1": 0x302, "1.2": 0x303, "1.3": 0x304, "sslv2": 0x200, "sslv3": 0x300}
_LDAP = {
    "bind_request": 0, "bind_response": 1, "unbind_request": 2, "search_request": 3, "search_result_entry": 4,
    "search_result_done": 5, "modify_request": 6, "modify_response": 7, "add_request": 8, "add_response": 9,
    "del_request": 10, "del_response": 11, "mod_dn_request": 12, "mod_dn_response": 13,
    "compare_request": 14, "compare_response": 15, "abandon_request": 16, "search_result_reference": 19,
    "extended_request": 23, "extended_response": 24, "intermediate_response": 25,
}  # fmt: skip
_LDAP_RESULTS = {
    "success": 0, "operations_error": 1, "protocol_error": 2, "time_limit_exceeded": 3,
    "size_limit_exceeded": 4, "compare_false": 5, "compare_true": 6, "auth_method_not_supported": 7,
    "stronger_auth_required": 8, "referral": 10, "admin_limit_exceeded": 11,
    "unavailable_critical_extension": 12, "confidentiality_required": 13, "sasl_bind_in_progress": 14,
    "no_such_attribute": 16, "undefined_attribute_type": 17, "inappropriate_matching": 18,
    "constraint_violation": 19, "attribute_or_value_exists": 20, "invalid_attribute_syntax": 21,
    "no_such_object": 32, "alias_problem": 33, "invalid_dns_syntax": 34, "is_leaf": 35,
    "alias_dereferencing_problem": 36, "inappropriate_authentication": 48, "invalid_credentials": 49,
    "insufficient_access_rights": 50, "busy": 51, "unavailable": 52, "unwilling_to_perform": 53,
    "loop_detect": 54, "sort_control_missing": 60, "offset_range_error": 61, "naming_violation": 64,
    "object_class_violation": 65, "not_allowed_on_non_leaf": 66, "not_allowed_on_rdn": 67,
    "entry_already_exists": 68, "object_class_mods_prohibited": 69, "results_too_large": 70,
    "affects_multiple_dsas": 71, "control_error": 76, "other": 80, "server_down": 81, "local_error": 82,
    "encoding_error": 83, "decoding_error": 84, "timeout": 85, "auth_unknown": 86, "filter_error": 87,
    "user_canceled": 88, "param_error": 89, "no_memory": 90, "connect_error": 91, "not_supported": 92,
    "control_not_found": 93, "no_results_returned": 94, "more_results_to_return": 95, "client_loop": 96,
    "referral_limit_exceeded": 97, "invalid_response": 100, "ambiguous_response": 101,
    "tls_not_supported": 112, "intermediate_response": 113, "unknown_type": 114, "canceled": 118,
    "no_such_operation": 119, "too_late": 120, "cannot_cancel": 121, "assertion_failed": 122,
    "authorization_denied": 123, "e_sync_refresh_required": 4096, "no_operation": 16654,
}  # fmt: skip
_DNS_TYPES = {
    "a": 1, "ns": 2, "cname": 5, "soa": 6, "null": 10, "ptr": 12, "mx": 15, "txt": 16, "aaaa": 28, "srv": 33,
    "any": 255,
}  # fmt: skip
_MQTT = {
    "connect": 1, "connack": 2, "publish": 3, "puback": 4, "pubrec": 5, "pubrel": 6, "pubcomp": 7,
    "subscribe": 8, "suback": 9, "unsubscribe": 10, "unsuback": 11, "pingreq": 12, "pingresp": 13,
    "disconnect": 14, "auth": 15,
}  # fmt: skip
_NTP_MODES = {"symmetric_active": 1, "symmetric_passive": 2, "client": 3, "server": 4, "broadcast": 5}
_RFB_RESULTS = {"ok": 0, "fail": 1, "toomany": 2, "unknown": 3}
_IFACE = re.compile(r"^([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})$")


def number(field: str, protocols: str, names: dict[str, int] | None = None, side: int = 0) -> Keyword:
    """A keyword that compares a number of the transaction."""
    allowed = frozenset(protocols.split())

    def setup(builder: Builder, value: str) -> None:
        builder.allow(allowed, field)
        found = demand(builder, value, field, names=names)
        found.side = side
        builder.rule.fields.append(found)

    return Keyword(setup)


def whole_range(field: str, protocols: str) -> Keyword:
    """`number`, where the ends of a range belong to it."""
    allowed = frozenset(protocols.split())

    def setup(builder: Builder, value: str) -> None:
        builder.allow(allowed, field)
        if match := re.fullmatch(r"\s*(\d+)\s*(?:<>|-)\s*(\d+)\s*", value):
            low = builder.number(match[1], field, 0, (1 << 32) - 1)
            found = Number(field, low, builder.number(match[2], field, low + 1, (1 << 32) - 1))
        else:
            found = demand(builder, value, field, (1 << 32) - 1)
        builder.rule.fields.append(found)

    return Keyword(setup)


def listed_numbers(field: str, protocols: str) -> Keyword:
    """`dcerpc.opnum:1,5-9`: one of several."""
    allowed = frozenset(protocols.split())

    def setup(builder: Builder, value: str) -> None:
        builder.allow(allowed, field)
        spans: list[str] = []
        for part in value.split(","):
            low, _, high = part.strip().partition("-")
            first = builder.number(low, field, 0, 65535)
            last = builder.number(high, field, first, 65535) if high else first
            spans.append(f"{first}-{last}")
        builder.rule.others.append((field, ",".join(spans)))

    return Keyword(setup)


def dce_iface(builder: Builder, value: str) -> None:
    """`dcerpc.iface:uuid[,[<>=!]version][,any_frag]`."""
    builder.allow(frozenset({"dcerpc", "smb"}), "dcerpc.iface")
    parts = [part.strip() for part in value.split(",")]
    if not _IFACE.match(parts[0]):
        raise builder.fault(f"dcerpc.iface: {parts[0]!r} is no UUID")
    for part in parts[1:]:
        if part != "any_frag" and not re.fullmatch(r"[<>=!]\s*\d+", part):
            raise builder.fault(f"dcerpc.iface does not know {part!r}")
    builder.rule.others.append(("dcerpc.iface", ",".join([parts[0].lower(), *parts[1:]])))


def tls_version(builder: Builder, value: str) -> None:
    """`tls.version:1.2`."""
    builder.allow(frozenset({"tls"}), "tls.version")
    text = unquoted(value).lower()
    if text not in _TLS_VERSIONS and not re.fullmatch(r"0x[0-9a-f]{1,4}", text):
        raise builder.fault(f"tls.version does not know {text!r}")
    wanted = _VERSIONS.get(text) if text in _VERSIONS else int(text, 16)
    assert wanted is not None
    builder.rule.fields.append(Number("tls.version", wanted, wanted))


def ssl_version(builder: Builder, value: str) -> None:
    """`ssl_version:[!]tls1.0,tls1.1`: one of several, or none of them."""
    builder.allow(frozenset({"tls"}), "ssl_version")
    text = unquoted(value).lower()
    negated = text.startswith("!")
    words = [word for word in re.split(r"[,\s]+", text.lstrip("!").strip()) if word]
    known = {f"tls{name}": number for name, number in _VERSIONS.items() if name[0] == "1"} | _VERSIONS
    for word in words:
        if word not in known:
            raise builder.fault(f"ssl_version does not know {word!r}")
    if not words or len(set(words)) < len(words):
        raise builder.fault("ssl_version names each version once")
    wanted = "/".join(str(known[word]) for word in words)
    builder.rule.others.append(("ssl_version", f"{wanted},{int(negated)}"))


def old_tls(kind: str) -> Keyword:
    """`tls.subject:"text"` and its like, which are contents without case."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({"tls"}), kind)
        text = value.strip()
        negated = text.startswith("!")
        pattern = unquoted(text.lstrip("! ")).encode()
        if not pattern:
            raise builder.fault(f"{kind} needs a text")
        if kind == "tls.cert_fingerprint":
            pattern = pattern.lower()  # as it is told
        builder.add(Content(pattern, negated, column=builder.column), kind)

    return Keyword(setup)


def old_ssh(kind: str) -> Keyword:
    """`ssh.protoversion:2_compat` and `ssh.softwareversion:"text"`."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({"ssh"}), kind)
        text = unquoted(value)
        pattern = b"2.0" if text == "2_compat" else text.encode()
        builder.add(Content(pattern, column=builder.column), kind)

    return Keyword(setup)


def ike_attribute(builder: Builder, value: str) -> None:
    """`ike.chosen_sa_attribute:alg_hash=2`: what the responder chose."""
    builder.allow(frozenset({"ike"}), "ike.chosen_sa_attribute")
    name, equals, number = (part.strip() for part in value.partition("="))
    if not equals or name not in _SA_ATTRIBUTES:
        raise builder.fault(f"ike.chosen_sa_attribute does not know {value.strip()!r}")
    wanted = builder.number(number, "ike.chosen_sa_attribute", 0, (1 << 32) - 1)
    builder.rule.fields.append(Number(f"ike.sa.{name}", wanted, wanted))


def absent(builder: Builder, value: str) -> None:
    """The sticky buffer is not there."""
    if builder.kind is None:
        raise builder.fault("absent needs a sticky buffer before it")
    text = value.strip()
    if text not in {"", "or_else"}:
        raise builder.fault(f"absent does not know {text!r}")
    builder.add(Absent(text == "or_else"))


def named_file(kind: str) -> Keyword:
    """`filename:"text"` and `fileext:"text"`."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({"http", "smtp", "ftp-data", "nfs", "smb", "http2", "ftp"}), "filename")
        negated, text = quoted(builder, value, "filename")
        pattern = text.encode()
        if kind == "fileext":
            builder.rule.buffers.append(
                BufferCheck("file.name", (), 0, [Content(b"." + pattern, negated, nocase=True, ends=True)])
            )
        else:
            builder.rule.buffers.append(
                BufferCheck("file.name", (), 0, [Content(pattern, negated, nocase=True)])
            )

    return Keyword(setup)


def filesize(builder: Builder, value: str) -> None:
    """Bytes of a file that was transferred whole."""
    builder.allow(frozenset({"http", "smtp", "ftp-data", "nfs", "smb", "http2"}), "filesize")
    first, comma, rest = value.partition(",")
    side = SIDES.get(first.strip(), 0) if comma else 0
    low, high, negated = bounds(builder, rest if side else value, "filesize")
    builder.rule.buffers.append(BufferCheck("file.whole", (), side, [Size(low, high, negated)]))


def understood(name: str, protocols: str, why: str, value: int = OPTIONAL) -> Keyword:
    """A keyword that is read, but whose condition cannot be decided: the rule never matches, and says so."""
    allowed = frozenset(protocols.split())

    def setup(builder: Builder, _value: str) -> None:
        if allowed:
            builder.allow(allowed, name)
        builder.rule.cannot.append(why)

    return Keyword(setup, value)


def aside(name: str, protocols: str = "") -> Keyword:
    """A keyword that does something beside telling, which is not done here: the rule matches all the same."""
    allowed = frozenset(protocols.split())

    def setup(builder: Builder, _value: str) -> None:
        if allowed:
            builder.allow(allowed, name)

    return Keyword(setup, OPTIONAL)


def filestore(builder: Builder, _value: str) -> None:
    """Files are not stored here; that there is one is demanded."""
    builder.allow(frozenset({"http", "smtp", "ftp-data", "nfs", "smb", "http2", "ftp"}), "filestore")
    builder.rule.buffers.append(BufferCheck("file.data", (), 0, [Size(0, 1 << 62)]))


def of_answers(field: str, names: dict[str, int]) -> Keyword:
    """`ldap.responses.operation:name[,any|all|index]`: of any answer, of all, or of one."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({"ldap"}), field)
        text, _, index = value.partition(",")
        low, high, negated = named_number(names, builder, text, field)
        index = index.strip() or "any"
        if index not in {"any", "all"} and not re.fullmatch(r"-?\d{1,6}", index):
            raise builder.fault(f"{field} has no index {index!r}")
        builder.rule.others.append((field, f"{low},{high},{int(negated)},{index}"))

    return Keyword(setup)


def ftpbounce(builder: Builder, _value: str) -> None:
    """A PORT command that names another host."""
    builder.allow(frozenset({"ftp"}), "ftpbounce")
    builder.rule.others.append(("ftpbounce", ""))


def ftpdata_command(builder: Builder, value: str) -> None:
    """Whether the transfer is of `stor` or `retr`."""
    builder.allow(frozenset({"ftp-data"}), "ftpdata_command")
    word = value.strip().lower()
    if word not in {"stor", "retr"}:
        raise builder.fault("ftpdata_command is stor or retr")
    builder.rule.fields.append(Number("ftpdata.command", int(word == "stor") + 1, int(word == "stor") + 1))


def krb5_encryption(builder: Builder, value: str) -> None:
    """`krb5.ticket_encryption:weak` or numbers."""
    builder.allow(frozenset({"krb5"}), "krb5.ticket_encryption")
    words = [part.strip() for part in value.split(",")]
    for word in words:
        if word.lstrip("!") != "weak" and not re.fullmatch(r"!?-?\d+|!?[a-z0-9-]+", word):
            raise builder.fault(f"krb5.ticket_encryption does not know {word!r}")
    builder.rule.others.append(("krb5.ticket_encryption", ",".join(words)))


def lua(builder: Builder, value: str) -> None:
    """Scripts are not run."""
    if not value.strip().lstrip("!").endswith(".lua"):
        raise builder.fault("lua names no script")
    builder.rule.cannot.append("scripts are not run")


def frame(builder: Builder, value: str) -> None:
    """`frame:protocol.name` is a buffer of a protocol unit."""
    name = value.strip()
    if not re.fullmatch(r"[\w.-]+", name):
        raise builder.fault(f"frame does not know {name!r}")
    name = name.replace("http1.", "http.", 1) if name.startswith("http1.") else name
    protocol = {"http1": "http"}.get(builder.rule.protocol, builder.rule.protocol)
    if not name.startswith(f"{protocol}.") and protocol not in {"tcp", "udp", "ip"}:
        name = f"{protocol}.{name}"
    spoken, _, unit = name.partition(".")
    if unit == "stream":
        _stream(builder, spoken)
        return
    builder.stick(f"frame:{name}", True)


def _stream(builder: Builder, spoken: str) -> None:
    """`frame:protocol.stream` is all that comes of a direction: the stream of what speaks it."""
    if builder.rule.flow.no_stream:
        raise builder.fault("frame: a stream and flow:no_stream exclude each other")
    builder.rule.flow.only_stream = True
    if builder.rule.protocol in {"tcp", "udp", "ip"}:
        builder.rule.applications.append(({"http": "http1"}.get(spoken, spoken), False, "final"))
    builder.stick(None)


KEYWORDS = {
    "dcerpc.iface": Keyword(dce_iface), "dce_iface": Keyword(dce_iface),
    "dcerpc.opnum": listed_numbers("dcerpc.opnum", "dcerpc smb"),
    "dce_opnum": listed_numbers("dcerpc.opnum", "dcerpc smb"),
    "tls.version": Keyword(tls_version), "ssl_version": Keyword(ssl_version),
    "tls.subject": old_tls("tls.cert_subject"), "tls.issuerdn": old_tls("tls.cert_issuer"),
    "tls.fingerprint": old_tls("tls.cert_fingerprint"),
    "tls.store": aside("tls.store", "tls"), "tls_store": aside("tls.store", "tls"),
    "nfq_set_mark": aside("nfq_set_mark"), "replace": aside("replace"),
    "tls.cert_chain_len": number("tls.cert_chain_len", "tls"),
    "ssh.protoversion": old_ssh("ssh.proto"), "ssh.softwareversion": old_ssh("ssh.software"),
    "absent": Keyword(absent, OPTIONAL),
    "filename": named_file("filename"), "fileext": named_file("fileext"),
    "filesize": Keyword(filesize), "filestore": Keyword(filestore, OPTIONAL),
    "filemagic": understood("filemagic", "", "file types are not recognised"),
    "ftpbounce": Keyword(ftpbounce, NONE),
    "ftpdata_command": Keyword(ftpdata_command),
    "krb5.ticket_encryption": Keyword(krb5_encryption),
    "krb5_msg_type": number("krb5.msg_type", "krb5"), "krb5_err_code": number("krb5.err_code", "krb5"),
    "lua": Keyword(lua), "luajit": Keyword(lua), "frame": Keyword(frame),
    "dns.opcode": number("dns.opcode", "dns"), "dns.rcode": number("dns.rcode", "dns"),
    "dns.rrtype": number("dns.rrtype", "dns", _DNS_TYPES), "dns.response": number("dns.response", "dns"),
    "ldap.request.operation": number("ldap.request.operation", "ldap", _LDAP),
    "ldap.responses.operation": of_answers("ldap.responses.operation", _LDAP),
    "ldap.responses.count": number("ldap.responses.count", "ldap"),
    "ldap.responses.result_code": of_answers("ldap.result", _LDAP_RESULTS),
    "dhcp.leasetime": number("dhcp.leasetime", "dhcp"),
    "dhcp.rebinding_time": number("dhcp.rebinding_time", "dhcp"),
    "dhcp.renewal_time": number("dhcp.renewal_time", "dhcp"),
    "ntp.version": number("ntp.version", "ntp"), "ntp.stratum": number("ntp.stratum", "ntp"),
    "ntp.mode": number("ntp.mode", "ntp", _NTP_MODES),
    "rfb.secresult": number("rfb.secresult", "rfb", _RFB_RESULTS),
    "rfb.sectype": number("rfb.sectype", "rfb"),
    "snmp.version": number("snmp.version", "snmp"), "snmp.pdu_type": number("snmp.pdu_type", "snmp"),
    "mqtt.type": number("mqtt.type", "mqtt", _MQTT), "mqtt.qos": number("mqtt.qos", "mqtt", side=TO_SERVER),
    "mqtt.protocol_version": number("mqtt.protocol_version", "mqtt", side=TO_SERVER),
    "mqtt.reason_code": number("mqtt.reason_code", "mqtt"),
    "mqtt.connack.session_present": number(
        "mqtt.connack.session_present", "mqtt", {"true": 1, "false": 0}, TO_CLIENT
    ),
    "nfs_version": whole_range("nfs.version", "nfs"), "nfs.version": whole_range("nfs.version", "nfs"),
    "nfs_procedure": whole_range("nfs.procedure", "nfs"),
    "smb.version": number("smb.version", "smb"), "ike.exchtype": number("ike.exchtype", "ike"),
    "ike.chosen_sa_attribute": Keyword(ike_attribute),
    "ike.nonce_payload_length": number("ike.nonce_payload_length", "ike"),
    "ike.key_exchange_payload_length": number("ike.key_exchange_payload_length", "ike"),
    "quic.cyu.count": number("quic.cyu.count", "quic"),
    "config": understood("config", "", "rules do not change the engine's settings"),
}  # fmt: skip
