"""What a Sigma log source is here, and which column each of its fields is."""

from __future__ import annotations

from dataclasses import dataclass, field

from citywall.batches import (
    DNS_ANSWER,
    DNS_QUERY,
    FILE_SEEN,
    FILE_SOURCES,
    HTTP_REQUEST,
    METHODS,
    NOTICE_RAISED,
    TLS_CLIENT,
    TLS_WHOLE_CERTIFICATE,
)

#: How a field's column is read: an address (two words), a number, a text, or whether it is there.
ADDRESS, NUMBER, TEXT = "address", "number", "text"
FLOW_ROWS = 0

_TYPES = {"a": 1, "ns": 2, "cname": 5, "soa": 6, "null": 10, "ptr": 12, "hinfo": 13, "mx": 15, "txt": 16,
          "aaaa": 28, "srv": 33, "naptr": 35, "ds": 43, "rrsig": 46, "dnskey": 48, "svcb": 64, "https": 65,
          "any": 255, "axfr": 252, "ixfr": 251, "*": 255}  # fmt: skip
_CODES = {"noerror": 0, "formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmp6": 58, "ipv6-icmp": 58,
              "sctp": 132}  # fmt: skip
_VERSIONS = {"sslv2": 0x0002, "sslv3": 0x0300, "tlsv10": 0x0301, "tlsv1": 0x0301, "tlsv11": 0x0302,
             "tlsv12": 0x0303, "tlsv13": 0x0304}  # fmt: skip
_METHODS = {name.lower(): number for number, name in enumerate(METHODS) if name}


@dataclass(frozen=True)
class Column:
    """Where a field is: `names` are columns, or for texts the pieces that are put together, or one slice.

    `words` are names of numbers. `whole`: the field is known only when a flow is over. `part`: `path` or
    `query`, of a request's target that is kept whole.
    """

    kind: str
    names: tuple[str, ...]
    words: dict[str, int] = field(default_factory=dict, hash=False)
    whole: bool = False
    part: str = ""


@dataclass(frozen=True)
class Source:
    """A log source: the kind of rows (0: flows) that it is here, and its fields in lower case."""

    name: str
    kind: int
    fields: dict[str, Column] = field(hash=False)


def _named(column: Column, *names: str) -> dict[str, Column]:
    return dict.fromkeys(names, column)


_ENDS = {
    **_named(Column(ADDRESS, ("src",)), "src_ip", "sourceip", "source.ip", "id.orig_h", "c-ip", "src",
             "source_ip"),
    **_named(Column(ADDRESS, ("dst",)), "dst_ip", "destinationip", "destination.ip", "id.resp_h", "dst",
             "s-ip", "dest_ip", "destination_ip"),
    **_named(Column(NUMBER, ("src_port",)), "src_port", "sourceport", "source.port", "id.orig_p", "c-port"),
    **_named(Column(NUMBER, ("dst_port",)), "dst_port", "destinationport", "destination.port", "id.resp_p",
             "s-port", "cs-uri-port"),
    **_named(Column(NUMBER, ("proto",), _PROTOCOLS), "proto", "protocol", "network.transport"),
}  # fmt: skip

_TOTALS = {
    **_named(Column(NUMBER, ("src_bytes",), whole=True), "orig_ip_bytes", "bytes_out", "source.bytes"),
    **_named(Column(NUMBER, ("dst_bytes",), whole=True), "resp_ip_bytes", "bytes_in", "destination.bytes"),
    **_named(Column(NUMBER, ("src_payload",), whole=True), "orig_bytes"),
    **_named(Column(NUMBER, ("dst_payload",), whole=True), "resp_bytes"),
    **_named(Column(NUMBER, ("src_packets",), whole=True), "orig_pkts", "source.packets"),
    **_named(Column(NUMBER, ("dst_packets",), whole=True), "resp_pkts", "destination.packets"),
}
CONNECTIONS = Source("connections", FLOW_ROWS, _ENDS | _TOTALS)
QUERIES = Source(
    "names asked for", DNS_QUERY,
    _ENDS
    | _named(Column(TEXT, ("name",)), "query", "queryname", "dns.question.name", "dns_query", "r-dns")
    | _named(Column(NUMBER, ("type",), _TYPES), "record_type", "qtype_name", "qtype", "dns.question.type"),
)  # fmt: skip
ANSWERS = Source(
    "names answered", DNS_ANSWER,
    QUERIES.fields
    | _named(Column(NUMBER, ("code",), _CODES), "rcode_name", "rcode", "response_code", "dns.response_code")
    | _named(Column(ADDRESS, ("answer",)), "answer", "answers", "dns.answers.data", "queryresults"),
)  # fmt: skip
REQUESTS = Source(
    "web requests", HTTP_REQUEST,
    _ENDS
    | _named(Column(TEXT, ("name",)), "cs-host", "host", "r-dns", "http.host", "url.domain", "dest_domain")
    | _named(Column(TEXT, ("rest",)), "cs-uri", "uri", "http.uri")
    | _named(Column(TEXT, ("rest",), part="path"), "url.path", "cs-uri-stem", "c-uri-path", "c-uri-stem")
    | _named(Column(TEXT, ("rest",), part="query"), "cs-uri-query", "c-uri-query", "url.query")
    | _named(Column(TEXT, ("name", "rest")), "c-uri", "url", "url.full", "url.original")
    | _named(Column(TEXT, ("agent",)), "c-useragent", "cs-user-agent", "user_agent", "user-agent",
             "useragent", "user_agent.original")
    | _named(Column(NUMBER, ("code",), _METHODS), "cs-method", "method", "http.request.method"),
)  # fmt: skip
GREETINGS = Source(
    "TLS greetings", TLS_CLIENT,
    _ENDS
    | _named(Column(TEXT, ("name",)), "server_name", "tls.client.server_name", "sni")
    | _named(Column(TEXT, ("rest",)), "next_protocol", "alpn")
    | _named(Column(NUMBER, ("code",), _VERSIONS), "version", "tls.version"),
)  # fmt: skip
_FILE_SOURCES = {name: number for number, name in enumerate(FILE_SOURCES)} | {
    "ssl": FILE_SOURCES.index("tls")
}
FILES = Source(
    "files", FILE_SEEN,
    _ENDS
    | _named(Column(ADDRESS, ("src",)), "tx_hosts") | _named(Column(ADDRESS, ("dst",)), "rx_hosts")
    | _named(Column(TEXT, ("name",)), "filename", "file.name")
    | _named(Column(TEXT, ("rest",)), "mime_type", "file.mime_type")
    | _named(Column(TEXT, ("sha256",)), "sha256", "file.hash.sha256")
    | _named(Column(TEXT, ("sha1",)), "sha1", "file.hash.sha1")
    | _named(Column(TEXT, ("md5",)), "md5", "file.hash.md5")
    | _named(Column(NUMBER, ("size",)), "seen_bytes")
    | _named(Column(NUMBER, ("number",)), "total_bytes", "file.size")
    | _named(Column(NUMBER, ("type",), _FILE_SOURCES), "source"),
)  # fmt: skip
CERTIFICATES = Source(
    "certificates", TLS_WHOLE_CERTIFICATE,
    _ENDS
    | _named(Column(TEXT, ("name",)), "certificate.subject", "tls.server.subject")
    | _named(Column(TEXT, ("rest",)), "certificate.issuer", "tls.server.issuer")
    | _named(Column(TEXT, ("serial",)), "certificate.serial", "tls.server.x509.serial_number")
    | _named(Column(TEXT, ("sha256",)), "fingerprint", "tls.server.hash.sha256")
    | _named(Column(TEXT, ("sha1",)), "tls.server.hash.sha1")
    | _named(Column(TEXT, ("others",)), "san.dns", "tls.server.x509.alternative_names")
    | _named(Column(NUMBER, ("size",)), "certificate.key_length", "tls.server.x509.public_key_size")
    | _named(Column(NUMBER, ("answers",)), "certificate.not_valid_before")
    | _named(Column(NUMBER, ("number",)), "certificate.not_valid_after"),
)  # fmt: skip
NOTICES = Source(
    "notices", NOTICE_RAISED,
    _ENDS
    | _named(Column(TEXT, ("name",)), "note") | _named(Column(TEXT, ("rest",)), "msg", "message")
    | _named(Column(TEXT, ("agent",)), "sub")
    | _named(Column(NUMBER, ("dst_port",)), "p") | _named(Column(NUMBER, ("number",)), "n"),
)  # fmt: skip

_CATEGORIES = {
    "dns": (QUERIES, ANSWERS), "dns_query": (QUERIES, ANSWERS), "proxy": (REQUESTS,),
    "webserver": (REQUESTS,), "firewall": (CONNECTIONS,), "network_connection": (CONNECTIONS,),
    "network": (CONNECTIONS,),
}  # fmt: skip
_ZEEK = {
    "conn": (CONNECTIONS,), "dns": (QUERIES, ANSWERS), "http": (REQUESTS,), "ssl": (GREETINGS,),
    "files": (FILES,), "x509": (CERTIFICATES,), "notice": (NOTICES,),
}  # fmt: skip


def sources(category: str | None, product: str | None, service: str | None) -> tuple[Source, ...]:
    """What a log source is here: the first with all fields counts. Raises ValueError where it is nothing."""
    if product == "zeek" or (product is None and category is None):
        found = _ZEEK.get(service or "", ()) if service else _CATEGORIES.get(category or "", ())
        if not found and service:
            raise ValueError(f"the log {service!r} of Zeek is not among our events")
    else:
        found = _CATEGORIES.get(category or "", ())
    if not found:
        told = ", ".join(f"{n} {v!r}" for n, v in (("category", category), ("product", product),
                                                   ("service", service)) if v)  # fmt: skip
        raise ValueError(f"the log source ({told or 'none'}) is not about the network as it is seen here")
    return found
