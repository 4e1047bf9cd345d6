"""What the application layers give: columns of transactions, their buffers, numbers and anomalies.

The buffers bear the names of Suricata's sticky buffers (keywords in rules), normalised as Suricata does, so
that a rule matcher, a detector and the archive read the same thing. Frames count from 1. Everything that is
bytes lies in one arena; rows say where.

A `frame` here is the frame at which the thing became known to an application layer. Where streams are not
`inline`, that is the frame that acknowledged the bytes (or ended the stream), since bytes nobody
acknowledged may yet be replaced; where they are, the frame that completed them. 0 means not yet, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Directions: 0 is to the server (from the flow's client), 1 to the client.
TO_SERVER, TO_CLIENT = 0, 1

#: TRANSACTION.protocol, FLOW.protocol. Names as Suricata's `app-layer-protocol` has them.
PROTOCOLS = (
    "unknown", "failed", "http", "http2", "dns", "tls", "smtp", "smb", "dcerpc", "ssh", "ftp", "ftp-data",
    "snmp", "modbus", "dnp3", "sip", "mqtt", "krb5", "rfb", "dhcp", "ntp", "quic", "ike", "nfs", "ldap",
    "rdp", "telnet", "imap", "pop3", "enip", "tftp", "iec104", "rpc", "bittorrent-dht", "websocket", "pgsql",
    "doh2", "mdns",
)  # fmt: skip
PROTOCOL = {name: i for i, name in enumerate(PROTOCOLS)}

#: One connection of two endpoints. `a` and `b` as in `citywall.batches.PACKET` (a is the lower).
FLOW = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"),
        ("first", "i8"),  # time of the first packet
        ("frame", "i8"), ("last_frame", "i8"),  # first and last packet
        ("offset", "i8"),  # of the first packet in its capture
        ("ports", "u4"), ("vlan", "u4"),
        ("proto", "u1"), ("version", "u1"),
        ("client", "u1"),  # 0: a is the client, 1: b is
        ("midstream", "u1"),  # 1: picked up without a handshake
        ("established", "u1"),  # 1: TCP saw its handshake (or midstream); UDP saw both directions
        ("protocol", "u1"),  # index into PROTOCOLS, of what spoke first
        ("protocol_frame", "i8"),  # frame at which that was known
        ("final", "u1"),  # what it went over to, the last of several; 0: it stayed
        ("final_frame", "i8"),
        # What the bytes of each direction look like, taken by themselves: at first, and since `final`.
        ("sides", "u1", (4,)),
        ("sides_frame", "i8", (4,)),
        # Of a flow told while it goes on (`Analyser(growing=True)`):
        ("number", "i8"),  # the same each time it is told
        ("ended", "i8"),  # frame at which it was found to be over, -1: at the end of input, 0: it goes on
    ],
    align=True,
)  # fmt: skip

#: One exchange: a request and what answered it (or one message, where a protocol knows no answers).
TRANSACTION = np.dtype(
    [
        ("flow", "u4"),  # row of FLOW
        ("protocol", "u1"),  # index into PROTOCOLS
        ("complete", "u1"),  # bit 0: the request is whole, bit 1: the response
        ("over", "u1"),  # 1: nothing more will come to it
        ("number", "u4"),  # within the flow, from 0
        ("request_frame", "i8"), ("response_frame", "i8"),  # at which each became whole
        ("first_frame", "i8"),  # at which its first byte was known
        ("time", "i8"),  # of first_frame
    ],
    align=True,
)  # fmt: skip

#: One buffer of a transaction: `arena[at : at + length]`. `part` tells apart buffers that come many times
#: in one transaction (queries, certificates, files, header fields), from 0.
BUFFER = np.dtype(
    [
        ("transaction", "u4"),
        ("kind", "u2"),  # index into KINDS
        ("direction", "u1"),
        ("part", "u4"),
        ("frame", "i8"),  # at which it was whole
        ("at", "i8"),
        ("length", "u4"),
    ],
    align=True,
)  # fmt: skip

#: One integer of a transaction.
NUMBER = np.dtype(
    [
        ("transaction", "u4"),
        ("field", "u2"),  # index into FIELDS
        ("direction", "u1"),
        ("part", "u4"),
        ("frame", "i8"),
        ("value", "i8"),
    ],
    align=True,
)  # fmt: skip

#: A protocol's unit of bytes as it went over the wire (a frame, a record, a line): `frame:` in rules.
UNIT = np.dtype(
    [
        ("flow", "u4"),
        ("kind", "u2"),  # index into UNITS
        ("direction", "u1"),
        ("frame", "i8"),
        ("at", "i8"),
        ("length", "u4"),
        ("start", "u4"),  # where in the unit the bytes stand: more than 0 of one that is told as it grows
    ],
    align=True,
)  # fmt: skip

#: Something out of order. `kind` is an index into ANOMALIES; -1 in `flow` or `transaction` where it has none.
ANOMALY = np.dtype(
    [("kind", "u2"), ("direction", "u1"), ("flow", "i4"), ("transaction", "i4"), ("frame", "i8")], align=True
)

#: A piece of a TCP stream in order: `arena[at : at + length]`, from `offset` of the stream (0 is the first
#: byte after SYN). `gap` bytes just before it were never seen. Pieces of one flow and direction follow
#: each other in the table in order.
CHUNK = np.dtype(
    [
        ("flow", "u4"),
        ("direction", "u1"),
        ("length", "u4"),
        ("gap", "u4"),
        ("offset", "i8"),
        ("arrived", "i8"),  # frame that brought it, or filled the hole before it
        ("frame", "i8"),  # frame that made it known: see above
        ("time", "i8"),  # of `frame`
        ("at", "i8"),
    ],
    align=True,
)  # fmt: skip

_HTTP = (
    "http.uri", "http.uri.raw", "http.method", "http.protocol", "http.request_line", "http.request_header",
    "http.header", "http.header.raw", "http.header_names", "http.cookie", "http.user_agent", "http.host",
    "http.host.raw", "http.referer", "http.accept", "http.accept_enc", "http.accept_lang",
    "http.content_type", "http.content_len", "http.connection", "http.start", "http.request_body",
    "http.response_line", "http.response_header", "http.stat_code", "http.stat_msg", "http.response_body",
    "http.server", "http.location", "http.trailer",
)  # fmt: skip
_HTTP2 = ("http2.header_name",)
_FILE = ("file.data", "file.name", "file.md5", "file.sha1", "file.sha256", "file.type")
_DNS = (
    "dns.query", "dns.query.name", "dns.queries.rrname", "dns.answers.rrname", "dns.answer.name",
    "dns.authorities.rrname", "dns.additionals.rrname", "dns.response.rrname", "dns.rdata",
)  # fmt: skip
_MDNS = (
    "mdns.queries.rrname", "mdns.answers.rrname", "mdns.authorities.rrname", "mdns.additionals.rrname",
    "mdns.response.rrname",
)  # fmt: skip
_TLS = (
    "tls.sni", "tls.cert_subject", "tls.cert_issuer", "tls.cert_serial", "tls.cert_fingerprint", "tls.certs",
    "tls.subjectaltname", "tls.random", "tls.random_time", "tls.random_bytes", "tls.version", "tls.alpn",
    "ja3.hash", "ja3.string", "ja3s.hash", "ja3s.string", "ja4.hash",
)  # fmt: skip
_SSH = (
    "ssh.proto", "ssh.software", "ssh.hassh", "ssh.hassh.string", "ssh.hassh.server",
    "ssh.hassh.server.string",
)  # fmt: skip
_SMB = (
    "smb.named_pipe", "smb.share", "smb.ntlmssp_user", "smb.ntlmssp_domain", "smb.filename",
    "dcerpc.iface", "dcerpc.stub_data",
)  # fmt: skip
_MAIL = (
    "smtp.helo", "smtp.mail_from", "smtp.rcpt_to", "smtp.command_line", "smtp.reply", "email.from",
    "email.to",
    "email.cc", "email.date", "email.subject", "email.message_id", "email.x_mailer", "email.received",
    "email.url", "email.body_md5",
)  # fmt: skip
_FTP = (
    "ftp.command",
    "ftp.command_data",
    "ftp.reply",
    "ftp.completion_code",
    "ftpdata.command",
    "ftpdata.name",
)
_SIP = (
    "sip.method", "sip.uri", "sip.protocol", "sip.stat_code", "sip.stat_msg", "sip.request_line",
    "sip.response_line", "sip.from", "sip.to", "sip.via", "sip.user_agent", "sip.content_type",
    "sip.content_length", "sip.body", "sdp.session_name", "sdp.origin", "sdp.connection_data",
    "sdp.session_info", "sdp.uri", "sdp.email", "sdp.phone_number", "sdp.bandwidth", "sdp.time",
    "sdp.repeat_time", "sdp.timezone", "sdp.encryption_key", "sdp.attribute", "sdp.media.media",
    "sdp.media.media_info",
    "sdp.media.connection_data", "sdp.media.encryption_key",
)  # fmt: skip
_MQTT = (
    "mqtt.connect.clientid", "mqtt.connect.username", "mqtt.connect.password", "mqtt.connect.willtopic",
    "mqtt.connect.willmessage", "mqtt.connect.protocol_string", "mqtt.publish.topic", "mqtt.publish.message",
    "mqtt.subscribe.topic", "mqtt.unsubscribe.topic",
)  # fmt: skip
_OTHER = (
    "snmp.community", "snmp.usm", "snmp.pdu_oid", "krb5.cname", "krb5.sname", "krb5.realm", "krb5.weak",
    "rfb.name", "dhcp.hostname", "dhcp.vendor_class", "quic.version", "quic.sni", "quic.ua", "quic.cyu.hash",
    "quic.cyu.string", "ike.init_spi", "ike.resp_spi", "ike.nonce_payload", "ike.key_exchange_payload",
    "modbus.data", "dnp3.data", "ntp.reference_id", "ldap.request.dn", "ldap.responses.dn", "ldap.filter",
    "rdp.cookie", "tftp.file", "pop3.command", "imap.command", "ldap.responses.message",
    "ldap.request.attribute_type", "ldap.responses.attribute_type",
    "pgsql.query", "iec104.data", "app.request", "app.response", "websocket.payload", "ike.vendor",
    "enip.product_name", "enip.service_name",
)  # fmt: skip

#: BUFFER.kind. Names that are not keywords of Suricata are ours, for events.
KINDS = _HTTP + _HTTP2 + _FILE + _DNS + _MDNS + _TLS + _SSH + _SMB + _MAIL + _FTP + _SIP + _MQTT + _OTHER
KIND = {name: i for i, name in enumerate(KINDS)}

#: NUMBER.field.
FIELDS = (
    "urilen", "urilen.raw", "http.stat_code", "http.content_len", "http2.stream", "http2.frametype",
    "http2.errorcode", "http2.priority", "http2.window", "http2.size_update", "http2.settings",
    "file.size", "file.complete", "dns.opcode", "dns.rcode", "dns.rrtype", "dns.id", "dns.flags", "dns.ttl",
    "tls.version", "tls.cipher", "tls.cert_chain_len", "tls.cert_notbefore", "tls.cert_notafter",
    "tls.heartbeat", "ssl_state", "tls.encrypted", "tls.resumed",
    "smb.command", "smb.status", "smb.version", "smb.ntlm_fail", "dcerpc.opnum", "dcerpc.version",
    "dcerpc.endian",
    "dcerpc.context", "dcerpc.ack_result", "dcerpc.first", "smtp.reply_code", "ftp.reply_code",
    "ftp.dynamic_port", "ftpdata.command",
    "ftp.port_address", "ftp.mode", "ftp.reply_received",
    "snmp.version", "snmp.pdu_type", "modbus.function", "modbus.subfunction", "modbus.unit", "modbus.address",
    "modbus.quantity", "modbus.value", "modbus.exception",
    "dnp3.func", "dnp3.ind", "dnp3.obj", "dnp3.obj.group", "dnp3.obj.variation", "sip.stat_code",
    "sip.content_length",
    "mqtt.type", "mqtt.flags", "mqtt.qos", "mqtt.protocol_version", "mqtt.reason_code",
    "mqtt.connect.flags", "mqtt.connack.session_present",
    "krb5.msg_type", "krb5.err_code", "krb5.ticket_encryption", "krb5.weak_encryption",
    "rfb.secresult", "rfb.sectype", "rfb.version",
    "dhcp.type", "dhcp.leasetime", "dhcp.rebinding_time", "dhcp.renewal_time", "dhcp.assigned_ip",
    "ntp.version", "ntp.mode", "ntp.stratum", "quic.version", "ike.version", "ike.exchtype", "ike.msgid",
    "ike.chosen_sa.dh", "ldap.request.operation", "ldap.responses.operation", "ldap.responses.count",
    "ldap.result", "rdp.protocol", "ssh.encrypted", "iec104.type", "iec104.cause", "iec104.common_address",
    "iec104.frame", "client_port", "server_port", "websocket.flags", "websocket.opcode", "websocket.mask",
    "ike.sa.alg_enc", "ike.sa.alg_hash", "ike.sa.alg_auth", "ike.sa.alg_dh", "ike.sa.alg_prf",
    "ike.sa.sa_group_type", "ike.sa.sa_life_type", "ike.sa.sa_life_duration", "ike.sa.sa_key_length",
    "ike.sa.sa_field_size", "ike.key_exchange_payload_length", "ike.nonce_payload_length",
    "enip.command", "enip.status", "enip.protocol_version", "enip.capabilities", "enip.cip_service",
    "enip.cip_class", "enip.cip_instance", "enip.cip_attribute", "enip.cip_status", "enip.cip_extendedstatus",
    "enip.device_type", "enip.vendor_id", "enip.product_code", "enip.revision", "enip.identity_status",
    "enip.serial", "enip.state", "nfs.version", "nfs.procedure", "tftp.opcode", "modbus.category",
)  # fmt: skip
FIELD = {name: i for i, name in enumerate(FIELDS)}

#: UNIT.kind.
UNITS = (
    "http2.hdr", "http2.data", "http2.pdu", "sip.pdu", "sip.request.line", "sip.request.headers",
    "sip.request.body", "sip.response.line", "sip.response.headers", "sip.response.body",
    "websocket.header", "websocket.pdu", "websocket.data", "ssh.record.hdr", "ssh.record.data",
    "ssh.record.pdu", "smtp.command_line", "smtp.response_line", "tls.pdu", "tls.hdr", "tls.data",
    "tls.alert", "tls.heartbeat", "mqtt.pdu", "mqtt.header", "mqtt.data", "ldap.pdu",
    "enip.hdr", "enip.data", "enip.pdu", "enip.cip", "enip.enip.item", "telnet.pdu", "telnet.ctl",
    "telnet.data", "smb.nbss.pdu", "smb.nbss.hdr", "smb.nbss.data", "smb.smb1.pdu", "smb.smb1.hdr",
    "smb.smb1.data", "smb.smb2.pdu", "smb.smb2.hdr", "smb.smb2.data", "smb.smb3.pdu", "smb.smb3.hdr",
    "smb.smb3.data", "dcerpc.pdu", "dcerpc.hdr", "dcerpc.data", "dns.pdu", "rfb.pdu", "http.request",
    "http.response", "smtp.data",
)  # fmt: skip
UNIT_KIND = {name: i for i, name in enumerate(UNITS)}

#: ANOMALY.kind: decoder, stream and application-layer events, as Suricata's rules name them.
ANOMALIES = (
    "stream.reassembly_seq_gap", "stream.reassembly_overlap_different_data",
    "stream.reassembly_segment_before_base_seq", "stream.reassembly_no_segment", "stream.pkt_retransmission",
    "stream.3whs_ack_in_wrong_dir", "stream.3whs_synack_in_wrong_direction",
    "stream.3whs_synack_resend_with_different_ack",
    "stream.3whs_synack_with_wrong_ack", "stream.3whs_right_seq_wrong_ack_evasion",
    "stream.3whs_wrong_seq_wrong_ack", "stream.3whs_ack_data_inject", "stream.est_packet_out_of_window",
    "stream.est_invalid_ack", "stream.est_syn_resend", "stream.est_syn_resend_diff_seq",
    "stream.est_synack_resend", "stream.est_synack_resend_with_different_ack",
    "stream.est_synack_resend_with_diff_seq", "stream.est_syn_toclient", "stream.est_synack_toserver",
    "stream.fin_out_of_window", "stream.fin_invalid_ack", "stream.fin_syn", "stream.rst_invalid_ack",
    "stream.suspected_rst_inject",
    "stream.pkt_invalid_ack", "stream.pkt_invalid_timestamp", "stream.pkt_broken_ack",
    "stream.3whs_syn_resend_diff_seq_on_syn_recv", "stream.3whs_syn_flood",
    "stream.3whs_synack_tfo_data_ignored", "stream.reassembly_depth_reached",
    "stream.reassembly_memory_full", "stream.wrong_thread", "stream.reassembly_urgent_oob_limit_reached",
    "http.request_header_host_invalid", "http.duplicate_content_length_field_in_request",
    "http.request_auth_unrecognized", "http.request_body_unexpected", "http.failed_protocol_change",
    "http.missing_host_header", "http.host_header_ambiguous", "http.unable_to_match_response_to_request",
    "http.invalid_response_chunk_len", "http.invalid_request_chunk_len", "http.gzip_decompression_failed",
    "http.unknown_error", "http.invalid_content_length_field_in_request",
    "http.invalid_content_length_field_in_response", "http.method_delim_non_compliant",
    "http.uri_delim_non_compliant", "http.response_field_missing_colon", "http.request_field_missing_colon",
    "http.header_host_invalid", "http.invalid_transfer_encoding_value_in_request",
    "http.compression_bomb", "http.lzma_memlimit_reached",
    "http.request_line_missing_protocol", "http.request_header_repetition",
    "http.response_header_repetition", "http.request_too_many_headers", "http.response_too_many_headers",
    "http.request_header_invalid", "http.duplicate_content_length_field_in_response",
    "http.response_abnormal_transfer_encoding", "http.response_chunked_old_proto",
    "http.response_multipart_byteranges", "http.too_many_encoding_layers", "http.abnormal_ce_header",
    "http.100_continue_already_seen", "http.request_chunk_extension", "http.response_chunk_extension",
    "http.request_field_too_long", "http.response_field_too_long",
    "dns.malformed_data", "dns.not_request", "dns.not_response", "dns.z_flag_set", "dns.invalid_opcode",
    "dns.name_too_long", "dns.infinite_loop", "dns.too_many_labels",
    "dns.invalid_authorities", "dns.invalid_additionals",
    "websocket.reassembly_limit_reached", "http2.dns_request_too_long", "http2.dns_response_too_long",
    "ftp.request_command_too_long", "ftp.response_command_too_long",
    "tls.invalid_sslv2_header", "tls.invalid_tls_header", "tls.invalid_record_version",
    "tls.invalid_record_type", "tls.invalid_handshake_message", "tls.invalid_certificate",
    "tls.certificate_missing_element", "tls.certificate_unknown_element", "tls.certificate_invalid_length",
    "tls.certificate_invalid_string", "tls.certificate_invalid_version", "tls.error_message_encountered",
    "tls.invalid_ssl_record",
    "tls.invalid_heartbeat_message", "tls.heartbeat_message", "tls.dataleak_heartbeat_mismatch",
    "tls.overflow_heartbeat_message", "tls.multiple_sni_extensions", "tls.invalid_sni_type",
    "tls.invalid_sni_length", "tls.handshake_invalid_length", "tls.too_many_records_in_packet",
    "tls.invalid_record_length", "tls.invalid_alert_message",
    "smtp.invalid_reply", "smtp.unable_to_match_reply_with_request", "smtp.max_command_line_len_exceeded",
    "smtp.max_reply_line_len_exceeded", "smtp.invalid_pipelined_sequence", "smtp.bdat_chunk_len_exceeded",
    "smtp.no_server_welcome_message", "smtp.tls_rejected", "smtp.data_command_rejected",
    "smtp.duplicate_fields", "smtp.unparsable_content", "smtp.mime_long_boundary",
    "http2.authority_host_mismatch", "http2.userinfo_in_uri", "http2.invalid_frame_header",
    "http2.invalid_client_magic", "http2.invalid_frame_data", "http2.invalid_header",
    "http2.invalid_frame_length", "http2.extra_header_data", "http2.long_frame_data",
    "http2.stream_id_reuse", "http2.failed_decompression", "http2.header_integer_overflow",
    "http2.too_many_streams", "http2.reassembly_limit_reached", "http2.data_stream_zero",
    "ssh.invalid_banner", "ssh.long_banner",
    "ike.weak_crypto_dh", "snmp.malformed_data", "krb5.malformed_data", "krb5.weak_encryption",
    "mqtt.malformed_traffic", "modbus.invalid_length", "modbus.invalid_protocol_id", "dnp3.bad_length",
    "dnp3.bad_link_crc", "ntp.malformed_data", "dhcp.malformed_options", "sip.invalid_data",
    "smb.malformed_data", "rfb.malformed_message", "quic.error_on_data", "ldap.invalid_data",
    "applayer.mismatch_protocol_both_directions", "applayer.wrong_direction_first_data",
    "applayer.detect_protocol_only_one_direction", "applayer.proto_detection_skipped",
    "applayer.parser_limit_reached", "applayer.parser_failed",
    "ike.malformed_data", "ike.no_encryption", "ike.weak_crypto_enc", "ike.weak_crypto_prf",
    "ike.weak_crypto_auth", "ike.weak_crypto_no_dh", "ike.weak_crypto_no_auth", "ike.invalid_proposal",
    "ike.unknown_proposal", "ike.multiple_server_proposal",
    "enip.invalid_pdu", "nfs.malformed_data", "pgsql.invalid_length", "pgsql.malformed_request",
    "pgsql.malformed_response", "pop3.request_too_long", "pop3.incorrect_argument_count",
    "pop3.unknown_command", "pop3.response_too_long", "ftp.file_before_port", "ftp.file_without_name",
    "smtp.truncated_line", "smtp.mime_long_filename", "modbus.unsolicited_response",
    "modbus.invalid_function_code", "modbus.invalid_value", "modbus.invalid_exception_code",
    "modbus.value_mismatch", "modbus.flooded", "dhcp.truncated_options", "dnp3.flooded",
    "dnp3.len_too_small", "dnp3.bad_transport_crc",
    "dnp3.too_many_points", "dnp3.too_many_objects", "dnp3.too_long_reassembly",
    "mqtt.missing_connect", "mqtt.missing_publish", "mqtt.missing_subscribe", "mqtt.missing_unsubscribe",
    "mqtt.double_connect", "mqtt.unintroduced_message", "mqtt.invalid_qos_level", "mqtt.missing_msg_id",
    "mqtt.unassigned_msg_type", "mdns.malformed_data", "mdns.z_flag_set", "mdns.invalid_opcode",
    "mdns.name_too_long", "mdns.infinite_loop", "mdns.too_many_labels", "mdns.invalid_additionals",
    "mdns.invalid_authorities",
)  # fmt: skip
ANOMALY_KIND = {name: i for i, name in enumerate(ANOMALIES)}


@dataclass
class Tables:
    """Everything known of one capture (or of one batch of a stream): see the dtypes above.

    `packet_flow`, `packet_direction`, `packet_stood` and `packet_streamed` have an item for each packet row
    given, in order: the row of its flow (-1: none), its direction, whether its connection stood before it,
    and whether its bytes went into a stream.
    """

    flows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, FLOW))
    transactions: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, TRANSACTION))
    buffers: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BUFFER))
    numbers: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, NUMBER))
    units: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, UNIT))
    anomalies: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, ANOMALY))
    chunks: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, CHUNK))
    arena: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    chunk_arena: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    packet_flow: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    packet_direction: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    packet_stood: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    packet_streamed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    counts: dict[str, int] = field(default_factory=dict)

    def bytes_of(self, row: int) -> bytes:
        """The bytes of a row of `buffers`."""
        at, length = int(self.buffers["at"][row]), int(self.buffers["length"][row])
        return self.arena[at : at + length].tobytes()

    def chunk_bytes(self, row: int) -> bytes:
        """The bytes of a row of `chunks`."""
        at, length = int(self.chunks["at"][row]), int(self.chunks["length"][row])
        return self.chunk_arena[at : at + length].tobytes()

    def values(self, kind: str) -> list[bytes]:
        """All buffers of a kind, in order."""
        return [self.bytes_of(int(row)) for row in np.flatnonzero(self.buffers["kind"] == KIND[kind])]

    def integers(self, name: str) -> list[int]:
        """All numbers of a field, in order."""
        return [int(n) for n in self.numbers["value"][self.numbers["field"] == FIELD[name]]]

    def describe(self) -> Iterator[tuple[str, int, dict[str, list[bytes]]]]:
        """Each transaction for people and tests: (protocol, number, buffers by kind)."""
        found: list[dict[str, list[bytes]]] = [{} for _ in range(len(self.transactions))]
        for row in range(len(self.buffers)):
            name = KINDS[int(self.buffers["kind"][row])]
            found[int(self.buffers["transaction"][row])].setdefault(name, []).append(self.bytes_of(row))
        for i, buffers in enumerate(found):
            yield (
                PROTOCOLS[int(self.transactions["protocol"][i])],
                int(self.transactions["number"][i]),
                buffers,
            )
