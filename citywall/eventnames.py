"""What the numbers in events are called, for people and queries."""

from __future__ import annotations

from citywall.batches import (
    ACCOUNT_LOGIN,
    DATA_ACCESS,
    DHCP_MESSAGE,
    DNS_ANSWER,
    DNS_QUERY,
    FILE_SEEN,
    FILE_SOURCES,
    HTTP_REQUEST,
    HTTP_RESPONSE,
    INJECTION,
    LOGIN_NAME,
    LOGIN_RESULT,
    METHODS,
    PERSONAL_DATA,
    PROBING,
    SCANNER,
    SCRIPTING,
    SERVICES,
    SSH_BANNER,
    TLS_CLIENT,
    TLS_SERVER,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
    TRAVERSAL,
    WEB_SHELL,
)
from citywall.batches import COMMAND as COMMAND_SIGN

#: Protocols of events, where the kind says it; those of log-ins are services.
PROTOCOLS = {
    DNS_QUERY: "dns", DNS_ANSWER: "dns", TLS_CLIENT: "tls", TLS_SERVER: "tls", HTTP_REQUEST: "http",
    HTTP_RESPONSE: "http", SSH_BANNER: "ssh", PERSONAL_DATA: "http", DHCP_MESSAGE: "dhcp",
    ACCOUNT_LOGIN: "log", DATA_ACCESS: "log", TLS_WHOLE_CLIENT: "tls", TLS_WHOLE_CERTIFICATE: "tls",
}  # fmt: skip
_LOGINS = frozenset((LOGIN_NAME, LOGIN_RESULT))
_QUERY_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT",
    28: "AAAA", 33: "SRV", 35: "NAPTR", 43: "DS", 46: "RRSIG", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS",
    252: "AXFR", 255: "ANY", 257: "CAA",
}  # fmt: skip
_CODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
          "NOTAUTH", "NOTZONE")  # fmt: skip
_VERSIONS = {0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2",
             0x0304: "TLSv1.3", 0x0101: "TLCP"}  # fmt: skip
_DHCP = ("", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform")
_SUITES = {
    0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256", 0x00C6: "TLS_SM4_GCM_SM3", 0x00C7: "TLS_SM4_CCM_SM3",
    0xE011: "ECDHE_SM4_CBC_SM3", 0xE013: "ECC_SM4_CBC_SM3", 0xE015: "IBSDH_SM4_CBC_SM3",
    0xE017: "IBC_SM4_CBC_SM3", 0xE019: "RSA_SM4_CBC_SM3", 0xE01A: "RSA_SM4_CBC_SHA1",
    0xE01C: "RSA_SM4_CBC_SHA256", 0xE051: "ECDHE_SM4_GCM_SM3", 0xE053: "ECC_SM4_GCM_SM3",
    0xE055: "IBSDH_SM4_GCM_SM3", 0xE057: "IBC_SM4_GCM_SM3", 0xE059: "RSA_SM4_GCM_SM3",
    0xE05A: "RSA_SM4_GCM_SHA256", 0x0005: "TLS_RSA_WITH_RC4_128_SHA", 0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
}  # fmt: skip
SIGNS = {
    INJECTION: "injection", SCRIPTING: "scripting", TRAVERSAL: "traversal", COMMAND_SIGN: "command",
    WEB_SHELL: "web_shell", PROBING: "probing", SCANNER: "scanner",
}  # fmt: skip


def query_type(number: int) -> str:
    """A type of DNS records."""
    return _QUERY_TYPES.get(number, f"TYPE{number}")


def response_code(number: int) -> str:
    """What a name server answers."""
    return _CODES[number] if number < len(_CODES) else f"RCODE{number}"


def tls_version(number: int) -> str:
    """A version of TLS or TLCP."""
    return _VERSIONS.get(number, f"0x{number:04x}")


def cipher_suite(number: int) -> str:
    """A cipher suite; those that are rare by number."""
    return _SUITES.get(number, f"0x{number:04x}")


def method(number: int) -> str:
    """A method of HTTP."""
    return METHODS[number] if number < len(METHODS) else ""


def service(number: int) -> str:
    """Where somebody logs in."""
    return SERVICES[number] if number < len(SERVICES) else SERVICES[0]


def outcome(number: int) -> str:
    """How a log-in went."""
    return "success" if number == 1 else "failure"


def dhcp_message(number: int) -> str:
    """A kind of message of DHCP."""
    return _DHCP[number] if 0 < number < len(_DHCP) else str(number)


def file_source(number: int) -> str:
    """By which protocol a file came; nothing where that is not known."""
    return FILE_SOURCES[number] if 0 < number < len(FILE_SOURCES) else ""


def protocol(kind: int, kind_of_service: int) -> str:
    """The application protocol of an event."""
    if kind == FILE_SEEN:
        return file_source(kind_of_service)
    return service(kind_of_service) if kind in _LOGINS else PROTOCOLS.get(kind, "")
