"""Batch schemas: the rows that travel between rooms, as NumPy structured dtypes.

Times are signed nanoseconds since the epoch, UTC. Addresses are two u64 words (`citywall.addresses`).
`domain` is a network domain (`citywall.domains`). `vlan` is `outer << 12 | inner`, 0 when untagged,
and `domains.VNI` with the identifier in a virtual network (VXLAN, GENEVE, 802.1ah).
Offsets are absolute byte offsets of a packet's first byte in its capture file; frames count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1

# PACKET.status: how far a record could be decoded.
ERROR, NOT_IP, ARP, IP, FRAGMENT, TRANSPORT = 0, 1, 2, 3, 4, 5

# PACKET.marks: a fragment of a datagram (a first one shows its ports); a datagram put together of fragments.
FRAGMENTED, REBUILT = 1, 2

#: One decoded packet. Endpoint a is the lower of (address, port), so both directions share a key.
PACKET = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"),
        ("hash", "u8"),  # symmetric hash of the flow key (addresses, ports, proto, vlan)
        ("time", "i8"),
        ("offset", "i8"),
        ("ports", "u4"),  # a's port << 16 | b's port; 0 for protocols without ports
        ("vlan", "u4"),
        ("captured", "u4"), ("wire", "u4"),  # bytes stored, bytes on the wire
        ("ip_bytes", "u4"),  # IP header and payload by the IP length field
        ("payload_at", "u4"),  # offset of the transport payload from `offset`
        ("payload", "u4"),  # transport payload bytes by the IP length field (not cut by the snap length)
        ("proto", "u1"), ("version", "u1"),  # IP protocol; 4, 6 or 0
        ("flags", "u1"),  # TCP flags, low eight bits
        ("reversed", "u1"),  # 1 when b is the sender
        ("icmp_type", "u1"), ("icmp_code", "u1"),
        ("status", "u1"), ("reason", "u1"),  # reason: index into REASONS
        ("network", "u2"),  # offset of the IP header from `offset`
        ("marks", "u1"),  # what else is to be said: FRAGMENTED, REBUILT
        ("depth", "u1"),  # IP headers around this one
    ],
    align=True,
)  # fmt: skip

#: Why a record was not decoded to its transport. Index 0 is "none".
REASONS = (
    "none",
    "link_header_truncated",
    "link_type_unknown",
    "vlan_truncated",
    "ip_version_wrong",
    "ipv4_header_truncated",
    "ipv4_header_length_wrong",
    "ipv4_total_length_wrong",
    "ipv6_header_truncated",
    "ipv6_extension_truncated",
    "ipv6_extension_chain_too_long",
    "tcp_header_truncated",
    "tcp_header_length_wrong",
    "udp_header_truncated",
    "icmp_header_truncated",
    "sctp_header_truncated",
    "arp_truncated",
    "arp_unknown_form",
    "interface_unknown",
    "tunnel_header_wrong",
    "tunnel_inner_wrong",
    "tunnel_too_deep",
    "tunnel_inner_unknown",
)

# FLOW.kind
OPEN, UPDATE, END = 0, 1, 2
# FLOW.reason for END records
END_NONE, END_IDLE, END_ACTIVE, END_OF_INPUT, END_EVICTED, END_LOGGED = 0, 1, 2, 3, 4, 5
END_REASONS = ("none", "idle", "active", "end of input", "evicted", "logged")

# TCP flag bits
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
FLAG_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")

#: One report about a live flow. src is the initiator (sender of the first packet seen).
#: Totals count from the flow's first packet; `*_delta` since the flow's previous report.
FLOW = np.dtype(
    [
        ("time", "i8"),  # event time of this report: never decreases within a session
        ("flow_id", "u8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("first", "i8"), ("last", "i8"),
        ("offset", "i8"), ("frame", "i8"),  # of the first packet; -1 when the source is a flow log
        ("src_packets", "u8"), ("dst_packets", "u8"),
        ("src_bytes", "u8"), ("dst_bytes", "u8"),  # IP bytes
        ("src_payload", "u8"), ("dst_payload", "u8"),  # transport payload bytes
        ("src_bytes_delta", "u8"), ("dst_bytes_delta", "u8"),
        ("src_packets_delta", "u4"), ("dst_packets_delta", "u4"),
        ("src_head", "u8"), ("dst_head", "u8"),  # first 8 payload bytes, big endian, zero padded
        ("domain", "u4"), ("vlan", "u4"),
        ("report", "u4"),  # 0 for the flow's first report, then counting
        ("sampling", "u4"),  # an exporter looked at one packet in so many: counts are estimates; 0: at all
        ("src_port", "u2"), ("dst_port", "u2"),
        ("proto", "u1"), ("version", "u1"),
        ("kind", "u1"), ("reason", "u1"),
        ("first_flags", "u1"),  # TCP flags of the first packet
        ("src_flags", "u1"), ("dst_flags", "u1"),  # TCP flags seen so far, or-ed
        ("icmp_type", "u1"), ("icmp_code", "u1"),  # of the first packet
    ],
    align=True,
)  # fmt: skip

_SPREAD = [("min", "i8"), ("max", "i8"), ("mean", "f8"), ("std", "f8")]

#: Statistics of a closed flow, one row for each END row of the FLOW batch it travels with, in order.
#: `size` is bytes of the IP packet, `gap` the time between packets in nanoseconds; std is the sample
#: standard deviation (0 below two values). both/src/dst: both directions together, and each.
CLOSED = np.dtype(
    [("flow_id", "u8")]
    + [(f"{side}_{what}_{stat}", kind)
       for side in ("both", "src", "dst") for what in ("size", "gap") for stat, kind in _SPREAD]
    + [(f"{side}_{edge}", "i8") for side in ("src", "dst") for edge in ("first", "last")]
    + [(f"{side}_{flag}", "u4") for side in ("src", "dst") for flag in FLAG_NAMES]
    + [("src_mac", "u8"), ("dst_mac", "u8")],
    align=True,
)  # fmt: skip

# EVENT.kind: address resolution, then what applications say (from FIRST_SIGHTING on)
ARP_REQUEST, ARP_REPLY, ND_SOLICIT, ND_ADVERT = 1, 2, 3, 4
# A fragment that says other than one before it, that came before as it is, that no network needs to make so
# small, that reaches beyond the largest datagram, or that could not be kept; a datagram given up; a fragment
# with another behind it that is no multiple of eight bytes.
FRAGMENT_OVERLAP, FRAGMENT_REPEAT, FRAGMENT_TINY, FRAGMENT_TOO_LARGE, FRAGMENT_IGNORED = 5, 6, 7, 8, 9
DATAGRAM_ABANDONED, FRAGMENT_LENGTH = 10, 11
DNS_QUERY, DNS_ANSWER, TLS_CLIENT, TLS_SERVER, HTTP_REQUEST, HTTP_RESPONSE = 16, 17, 18, 19, 20, 21
SSH_BANNER, LOGIN_NAME, LOGIN_RESULT, PERSONAL_DATA, ACCOUNT_LOGIN, DATA_ACCESS = 22, 23, 24, 25, 26, 27
DHCP_MESSAGE, TLS_WHOLE_CLIENT, TLS_WHOLE_CERTIFICATE = 28, 29, 30
NTLM_LOGON, TICKET_ASKED, TICKET_GIVEN, CALLS_BOUND, CALL_MADE, SHARE_OPENED = 40, 41, 42, 43, 44, 45
# A file that came by, what a sensor noticed (from logs only).
FILE_SEEN, NOTICE_RAISED = 46, 47
# What a probe of a portal found; the certificate that a server showed.
PORTAL_DRIFT, TLS_CERTIFICATE = 60, 61
FIRST_SIGHTING = 16
EVENT_NAMES = {
    0: "none", 1: "arp_request", 2: "arp_reply", 3: "nd_solicit", 4: "nd_advert",
    5: "fragment_overlap", 6: "fragment_repeat", 7: "fragment_tiny", 8: "fragment_too_large",
    9: "fragment_ignored", 10: "datagram_abandoned", 11: "fragment_length", 16: "dns_query",
    17: "dns_answer", 18: "tls_client", 19: "tls_server", 20: "http_request", 21: "http_response",
    22: "ssh_banner", 23: "login_name", 24: "login_result", 25: "personal_data", 26: "account_login",
    27: "data_access", 28: "dhcp_message", 29: "tls_whole_client", 30: "tls_whole_certificate",
    40: "ntlm_logon", 41: "ticket_asked", 42: "ticket_given", 43: "calls_bound", 44: "call_made",
    45: "share_opened", 46: "file_seen", 47: "notice_raised", 60: "portal_drift", 61: "tls_certificate",
}  # fmt: skip
#: Bytes of text an event carries: three pieces one after another (`name_size`, `rest_size`, `agent_size`).
TEXT = 242

# EVENT.flags
#: The packet ended before the message did: what follows in other packets was not looked at.
CUT_SHORT = 1
#: A password or what stands for one travelled in clear text.
CLEAR_PASSWORD = 2
#: A web request that hands in a log-in form, by where it goes or by a password in it.
LOGIN_FORM = 4
#: Signs of attack in a web request.
INJECTION, SCRIPTING, TRAVERSAL, COMMAND, WEB_SHELL, PROBING, SCANNER = 8, 16, 32, 64, 128, 256, 512
#: A sign that no honest request has.
UNMISTAKABLE = 1024
#: A hello that offers, or chooses, cipher suites of SM algorithms.
SM_SUITES = 16384
#: Of ARP and DHCP: the frame was sent by another card than the one that its message claims for the sender.
OTHER_SENDER = 2048
#: Of a portal: against what was declared, or as only dark links are. Of a certificate: its issuer is itself.
PORTAL_GRAVE = 4096
SELF_SIGNED = 8192

#: LOGIN_RESULT.type and LOGIN_NAME.type: at which service.
SERVICES = ("other", "ftp", "pop3", "imap", "smtp", "http", "smb", "ldap", "kerberos", "mysql", "rdp", "ssh",
            "telnet")  # fmt: skip

#: FILE_SEEN.type: by which protocol it came.
FILE_SOURCES = ("other", "http", "smtp", "ftp", "smb", "tls", "nfs", "irc", "krb5", "http2")

#: TLS_WHOLE_CERTIFICATE.type: of which kind the key is.
KEY_KINDS = ("other", "rsa", "dsa", "ecdsa")

#: CALLS_BOUND.type and code.
INTERFACES = ("other", "replication", "services", "tasks", "registry", "objects")
BOUND_BY = ("other", "bind", "mapper", "pipe")
#: TICKET_ASKED.code.
AES_OFFERED, RC4_OFFERED = 1, 2
#: Ciphers of Kerberos that stand for an old password hash.
RC4_HMAC = 23

#: One event that is not a flow. For address resolution: src asks or answers, dst is the address asked
#: about (request, solicit) or the one told (reply); an advert's src is the address it claims. An ARP message
#: with OTHER_SENDER has the card that sent the frame in `answers`. For fragments
#: the ends of their IP header; an abandoned datagram's offset and frame are those of its first fragment.
#:
#: What applications say, by kind (text is name, rest, agent; sizes beyond are 0):
#: * DNS_QUERY, DNS_ANSWER: the name asked for; type = query type, code = response code, count = answers,
#:   number = their lowest time to live, answer = the first address, answers = a digest of all;
#:   the transaction id is in `aux`.
#: * TLS_CLIENT: server name, first ALPN, JA4 (in full or not at all); code = highest version, answer = JA3.
#:   TLS_SERVER: code = version, type = cipher, answer = JA3S. A hello that is not whole has no fingerprints.
#: * TLS_WHOLE_CLIENT: as TLS_CLIENT, of a hello that took several packets; the TLS_CLIENT of its first packet
#:   told what stood there. TLS_WHOLE_CERTIFICATE: subject, issuer, SHA-256 and SHA-1 as digits; code =
#:   version, count = place (of TLCP there are two), answers and number = seconds since when and until when.
#:   Logs give the serial number behind the digits (40 places), then as many of the other names as find room,
#:   the key's kind (KEY_KINDS) in `type` and its bits in `size`; without ends where no other log names any.
#: * FILE_SEEN: name, MIME type, SHA-256, SHA-1 and MD5 as digits, each at its place (blanks where it is not
#:   told); from who sends it; type = FILE_SOURCES, size = bytes seen, number = bytes in all (0: not known).
#: * NOTICE_RAISED: what it is called, what it says, what else; number = how many it is about; code = its
#:   priority, 0 where the sensor knows none.
#: * HTTP_REQUEST: host, target, user agent; code = place of the method in METHODS, flags = signs, number =
#:   which of 4,095 a handed-in name and password are, 0 for none: so few that none is found out by it.
#:   HTTP_RESPONSE: code = status.
#: * SSH_BANNER: the banner.
#: * LOGIN_NAME: account; LOGIN_RESULT: code = 1 where it worked, type = service of either.
#: * PERSONAL_DATA: the first number, masked; count = identity numbers, number = telephone numbers.
#: * ACCOUNT_LOGIN: account, service by name; code = 1 where it worked.
#:   DATA_ACCESS: account, object; number = rows, size = bytes (from logs only).
#: * DHCP_MESSAGE: the client's hardware address (or what DHCPv6 knows it by), its host name; type = kind of
#:   message (RFC 2132, DHCPv6 by what corresponds), answer = the address that is asked for or given; `digest`
#:   is that of the client, `number` the relay's address (IPv4), `answers` a digest of the routers (its upper
#:   half) and one of the name servers (its lower) that a server hands out, 0 where it says nothing of them.
#: * NTLM_LOGON: account, domain, workstation as the client says; type = service, `answers` = a digest of the
#:   workstation, 0 where it says none. TICKET_ASKED (a first ticket): account, realm; type = the cipher of
#:   its proof, code = ciphers offered (AES_OFFERED, RC4_OFFERED). TICKET_GIVEN: account, service; type = the
#:   ticket's cipher, `answers` = a digest of the service.
#: * CALLS_BOUND: type = which interface (INTERFACES), code = how (BOUND_BY). CALL_MADE: type = the number of
#:   a sealed call, of those that replication of a directory uses. SHARE_OPENED: a share of administration.
#: * PORTAL_DRIFT: portal, page, what was seen; type = place in `citywall.portals.DRIFTS`, number = measure,
#:   size = that of the probe before, answers = when it was first seen, answer_hi = when the page was probed
#:   before (ns), answer_lo = a digest of portal, page, kind and value, code = status of the answer.
#: * TLS_CERTIFICATE: subject's and issuer's common names (from packets, of what stands in the first one);
#:   digest = that of the public key, answers = that of the issuer, number = days since 1970 at which it ends.
#:
#: `digest` is a hash of the whole name, target or account, longer ones too; `size` the message's bytes.
EVENT = np.dtype(
    [
        ("time", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("src_mac", "u8"), ("dst_mac", "u8"),
        ("offset", "i8"), ("frame", "i8"),
        ("answer_hi", "u8"), ("answer_lo", "u8"), ("answers", "u8"), ("digest", "u8"),
        ("domain", "u4"), ("vlan", "u4"),
        ("flags", "u4"), ("size", "u4"), ("number", "u4"),
        ("kind", "u2"), ("src_port", "u2"), ("dst_port", "u2"),
        ("code", "u2"), ("type", "u2"), ("count", "u2"), ("aux", "u2"),
        ("proto", "u1"),
        ("name_size", "u1"), ("rest_size", "u1"), ("agent_size", "u1"),
        ("text", "u1", (TEXT,)),
    ],
    align=True,
)  # fmt: skip
#: Methods of HTTP_REQUEST.code.
METHODS = ("", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PROPFIND")

TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp",
                  132: "sctp"}  # fmt: skip


@dataclass(frozen=True)
class FlowBatch:
    """What a meter or a flow-log parser gives: reports, statistics of the flows that closed, a promise.

    `closed[i]` belongs to the i-th END row of `reports`. No later report comes before (`watermark`, `mark`)
    in the order of (time, flow id).
    """

    reports: NDArray[np.void]  # FLOW
    closed: NDArray[np.void]  # CLOSED
    watermark: int
    mark: int = field(default=0, kw_only=True)
