"""Sticky buffers and the old names for them: one table."""

from __future__ import annotations

from typing import NamedTuple

from rules.keywords.base import NONE, OPTIONAL, Keyword
from rules.language.builder import Builder
from rules.language.model import TO_CLIENT, TO_SERVER

BOTH = TO_SERVER | TO_CLIENT
SIDES = {"to_server": TO_SERVER, "to_client": TO_CLIENT}


class Buffer(NamedTuple):
    """One kind of buffer: protocols that have it, the side it comes from, whether a transaction has many.

    `packet` are those made of a packet's own bytes.
    """

    protocols: frozenset[str]
    side: int
    many: bool = False
    packet: bool = False


#: Protocols, side, whether a transaction has many, whether of a packet, names.
_ROWS: tuple[tuple[str, int, bool, bool, str], ...] = (
    ("http http2", TO_SERVER, False, False,
     ("http.uri http.uri.raw http.method http.request_body http.host http.host.raw "
     "http.user_agent http.referer http.accept http.accept_lang http.accept_enc "
     "http.request_line http.request_header_names")),
    ("http http2", TO_CLIENT, False, False,
     "http.stat_code http.stat_msg http.location http.server http.response_line"),
    ("http http2", BOTH, False, False,
     ("http.header http.header.raw http.cookie http.content_type http.content_len "
     "http.header_names http.protocol http.start http.connection http.trailer")),
    ("http http2", TO_SERVER, True, False,
     "http.request_header"),
    ("http http2", TO_CLIENT, True, False,
     "http.response_header"),
    ("http2", BOTH, True, False,
     "http2.header_name"),
    ("http smtp ftp-data nfs smb http2", BOTH, True, False,
     "file.data"),
    ("http smtp ftp-data nfs smb http2 ftp", BOTH, True, False,
     "file.name"),
    ("http smtp ftp-data nfs smb http2", BOTH, True, False,
     "file.magic"),
    ("dns", BOTH, True, False,
     "dns.queries.rrname dns.query.name dns.answer.name dns.answers.rrname"),
    ("dns", TO_CLIENT, True, False,
     "dns.authorities.rrname dns.additionals.rrname dns.response.rrname"),
    ("mdns", BOTH, True, False,
     ("mdns.queries.rrname mdns.answers.rrname mdns.authorities.rrname "
     "mdns.additionals.rrname mdns.response.rrname")),
    ("tls", TO_SERVER, False, False,
     "tls.sni"),
    ("tls quic", TO_CLIENT, False, False,
     "ja3s.hash ja3s.string"),
    ("tls", BOTH, False, False,
     "tls.cert_subject tls.cert_issuer tls.cert_serial tls.cert_fingerprint"),
    ("tls", BOTH, True, False,
     "tls.certs tls.alpn"),
    ("tls", TO_CLIENT, True, False,
     "tls.subjectaltname"),
    ("tls", BOTH, False, False,
     "tls.random tls.random_time tls.random_bytes"),
    ("quic", BOTH, False, False,
     "quic.version"),
    ("quic", TO_SERVER, False, False,
     "quic.ua quic.sni"),
    ("quic", BOTH, True, False,
     "quic.cyu.hash quic.cyu.string"),
    ("ssh", BOTH, False, False,
     "ssh.proto ssh.software"),
    ("ssh", TO_SERVER, False, False,
     "ssh.hassh ssh.hassh.string"),
    ("ssh", TO_CLIENT, False, False,
     "ssh.hassh.server ssh.hassh.server.string"),
    ("smb", TO_SERVER, False, False,
     "smb.named_pipe smb.share smb.ntlmssp_user smb.ntlmssp_domain"),
    ("dcerpc smb", BOTH, False, False,
     "dcerpc.stub_data"),
    ("ftp", TO_SERVER, False, False,
     "ftp.command ftp.command_data"),
    ("ftp", TO_CLIENT, True, False,
     "ftp.reply ftp.completion_code"),
    ("ftp-data", BOTH, False, False,
     "ftpdata.filename"),
    ("smtp", TO_SERVER, False, False,
     "smtp.helo smtp.mail_from"),
    ("smtp", TO_SERVER, True, False,
     "smtp.rcpt_to"),
    ("smtp", TO_SERVER, False, False,
     ("email.from email.subject email.to email.cc email.date email.message_id "
     "email.x_mailer email.body_md5")),
    ("smtp", TO_SERVER, True, False,
     "email.received email.url"),
    ("snmp", BOTH, False, False,
     "snmp.community snmp.usm"),
    ("sip", TO_SERVER, False, False,
     "sip.method sip.uri sip.request_line"),
    ("sip", TO_CLIENT, False, False,
     "sip.stat_code sip.stat_msg sip.response_line"),
    ("sip", BOTH, False, False,
     "sip.protocol"),
    ("sip", BOTH, True, False,
     "sip.from sip.to sip.via sip.user_agent sip.content_type sip.content_length"),
    ("sip", BOTH, True, False,
     ("sdp.session_name sdp.origin sdp.session_info sdp.connection_data sdp.uri "
     "sdp.email sdp.phone_number sdp.time sdp.timezone sdp.encryption_key "
     "sdp.attribute sdp.bandwidth sdp.repeat_time sdp.media.media "
     "sdp.media.media_info sdp.media.connection_data sdp.media.encryption_key")),
    ("krb5", TO_CLIENT, True, False,
     "krb5.cname krb5.sname"),
    ("krb5", BOTH, False, False,
     "krb5.ticket_encryption"),
    ("rfb", TO_CLIENT, False, False,
     "rfb.name"),
    ("mqtt", TO_SERVER, False, False,
     ("mqtt.connect.clientid mqtt.connect.username mqtt.connect.password "
     "mqtt.connect.protocol_string mqtt.connect.willtopic mqtt.connect.willmessage")),
    ("mqtt", BOTH, False, False,
     "mqtt.publish.topic mqtt.publish.message"),
    ("mqtt", TO_SERVER, True, False,
     "mqtt.subscribe.topic mqtt.unsubscribe.topic"),
    ("dhcp", BOTH, False, False,
     "dhcp.hostname"),
    ("enip", BOTH, False, False,
     "enip.product_name enip.service_name"),
    ("dnp3", BOTH, False, False,
     "dnp3.data"),
    ("websocket", BOTH, False, False,
     "websocket.payload"),
    ("ldap", TO_SERVER, False, False,
     "ldap.request.dn ldap.request.attribute_type"),
    ("ldap", TO_CLIENT, True, False,
     "ldap.responses.dn ldap.responses.message ldap.responses.attribute_type"),
    ("ike", BOTH, False, False,
     "ike.key_exchange_payload ike.nonce_payload"),
    ("ike", TO_SERVER, False, False,
     "ike.init_spi"),
    ("ike", TO_CLIENT, False, False,
     "ike.resp_spi"),
    ("ike", TO_SERVER, True, False,
     "ike.vendor"),
    ("ntp", BOTH, False, False,
     "ntp.reference_id"),
    ("pgsql", BOTH, False, False,
     "pgsql.query"),
    ("pop3 imap", BOTH, False, False,
     "pop3.command imap.command"),
    ("", BOTH, False, True,
     "ipv4.hdr ipv6.hdr tcp.hdr udp.hdr icmpv4.hdr icmpv6.hdr ether.hdr ip.src ip.dst"),
    ("dns", BOTH, True, False,
     "dns.query"),
    ("tls quic", TO_SERVER, False, False,
     "ja3.hash"),
    ("tls quic", TO_SERVER, False, False,
     "ja3.string"),
    ("tls quic", TO_SERVER, False, False,
     "ja4.hash"),
)  # fmt: skip

BUFFERS = {
    name: Buffer(frozenset(protocols.split()), side, many, packet)
    for protocols, side, many, packet, names in _ROWS
    for name in names.split()
}

#: Names of today beside their older ones, where the old one is a sticky buffer as well.
ALIASES = {
    "file_data": "file.data", "http.response_body": "file.data", "http_accept": "http.accept",
    "http_accept_enc": "http.accept_enc", "http_accept_lang": "http.accept_lang",
    "http_connection": "http.connection", "http_content_len": "http.content_len",
    "http_content_type": "http.content_type", "http_header_names": "http.header_names",
    "http_protocol": "http.protocol", "http_referer": "http.referer",
    "http_request_line": "http.request_line",
    "http_response_line": "http.response_line", "http_start": "http.start",
    "dns_query": "dns.query",
    "tls_sni": "tls.sni", "tls_cert_subject": "tls.cert_subject",
    "tls_cert_issuer": "tls.cert_issuer", "tls_cert_serial": "tls.cert_serial",
    "tls_cert_fingerprint": "tls.cert_fingerprint",
    "ja3_hash": "ja3.hash", "ja3_string": "ja3.string", "ja3s_hash": "ja3s.hash",
    "ssh_proto": "ssh.proto", "ssh_software": "ssh.software",
    "smb_named_pipe": "smb.named_pipe", "smb_share": "smb.share", "dce_stub_data": "dcerpc.stub_data",
    "krb5_cname": "krb5.cname", "krb5_sname": "krb5.sname",
    "dnp3_data": "dnp3.data", "ja4_hash": "ja4.hash",
    "cyu_hash": "quic.cyu.hash", "cyu_string": "quic.cyu.string", "ikev2.init_spi": "ike.init_spi",
    "ja3s_string": "ja3s.string", "quic.cyu": "quic.cyu.hash",
}  # fmt: skip

#: Old style: the content before it is looked for there.
MODIFIERS = {
    "http_uri": "http.uri", "http_raw_uri": "http.uri.raw", "http_method": "http.method",
    "http_client_body": "http.request_body", "http_server_body": "file.data",
    "http_header": "http.header", "http_raw_header": "http.header.raw", "http_cookie": "http.cookie",
    "http_user_agent": "http.user_agent", "http_host": "http.host", "http_raw_host": "http.host.raw",
    "http_stat_code": "http.stat_code", "http_stat_msg": "http.stat_msg",
}  # fmt: skip


def sticky(kind: str) -> Keyword:
    """The keyword that sets a buffer."""
    buffer = BUFFERS[kind]

    def setup(builder: Builder, value: str) -> None:
        if buffer.protocols:
            builder.allow(buffer.protocols, kind)
        else:
            builder.packet_only = builder.packet_only or kind
        side = SIDES.get(value.strip(), 0)
        if value and (not side or buffer.side != BOTH or not buffer.protocols):
            raise builder.fault(f"{kind} takes no value {value!r}")
        builder.stick(kind, buffer.many, side)

    return Keyword(setup, OPTIONAL)


def modifier(name: str, kind: str) -> Keyword:
    """The keyword that moves the content before it."""

    def setup(builder: Builder, _value: str) -> None:
        builder.allow(BUFFERS[kind].protocols, name)
        builder.move(kind, name)

    return Keyword(setup, NONE)


def payload(builder: Builder, _value: str) -> None:
    """Back to the payload."""
    builder.stick(None)


KEYWORDS = {
    **{name: sticky(name) for name in BUFFERS if name != "krb5.ticket_encryption"},
    **{old: sticky(new) for old, new in ALIASES.items() if new in BUFFERS},
    **{name: modifier(name, kind) for name, kind in MODIFIERS.items()},
    "pkt_data": Keyword(payload, NONE),
}
