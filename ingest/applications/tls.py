"""TLS and TLCP (RFC 8446, RFC 5246, GB/T 38636): hellos, certificates, alerts."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import certificate
from ingest.applications.der import Broken
from ingest.applications.fingerprints import ja3s, md5
from ingest.applications.hello import Cut, put_client, read_client, read_server
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_CHANGE, _ALERT, _HANDSHAKE, _DATA, _HEARTBEAT = 20, 21, 22, 23, 24
_MOST_RECORD = 16384 + 2048
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
#: Types of handshake messages before TLS 1.3 hides them (RFC 5246, 6066, 5077).
MESSAGES = (0, 1, 2, 4, 11, 12, 13, 14, 15, 16, 20, 21, 22)
#: Certificates of one chain that are read, and bytes of handshake messages held back.
MOST_CERTIFICATES, MOST_HANDSHAKE = 16, 1 << 18
VERSIONS = {
    0x0002: b"SSLv2", 0x0300: b"SSLv3", 0x0301: b"TLSv1", 0x0302: b"TLS 1.1", 0x0303: b"TLS 1.2",
    0x0304: b"TLS 1.3", 0x0101: b"TLCP",
}  # fmt: skip


#: Bits of `ssl_state` by the messages that set them; numbers of one connection that are kept.
_STATES = {1: 1, 2: 2, 16: 4, 12: 8}
MOST_NOTED = 256


class Tls(StreamParser):
    """One connection: one transaction."""

    name: ClassVar[str] = "tls"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.messages = [bytearray(), bytearray()]
        self.encrypted = [False, False]
        # Who sent the heartbeat under way, its size where it is hidden.
        self.beat: tuple[int, int] | None = None
        self.only: Transaction | None = None
        self.begun = False  # the client's first bytes were read

    def advance(self, direction: int) -> None:
        """Record by record."""
        stream = self.streams[direction]
        if self.only is None:
            self.only = self.begin(stream.frame(1), stream.time(1))
        if direction == TO_SERVER and not self.begun and not self._old_hello(self.only):
            return
        while len(stream.data) >= 5 and not self.done[direction]:
            kind, version = stream.data[0], stream.data[1] << 8 | stream.data[2]
            length = stream.data[3] << 8 | stream.data[4]
            event = _fault(kind, version, length)
            if event and not self.only.over:
                self.odd(event, direction, stream.frame(5), self.only)
                if event == "tls.invalid_record_type":
                    self.odd("tls.invalid_tls_header", direction, stream.frame(5), self.only)
            if event:
                self.done[direction] = True
                return
            end = 5 + length
            if len(stream.data) < end:
                stream.need = end
                return
            body = bytes(stream.data[5:end])
            frame = stream.frame(end)
            if self.settings.units:
                self._units(direction, frame, kind, bytes(stream.data[:5]), body)
            stream.drop(end)
            if not self.only.over:
                self._record(direction, kind, body, frame, self.only)
        stream.need = 5

    def _old_hello(self, only: Transaction) -> bool:
        """A hello as SSL 2 has it (RFC 5246 appendix E.2) is passed over; False to wait for more of it."""
        stream = self.streams[TO_SERVER]
        data = stream.data
        if data[:1] >= b"\x80" and len(data) < 5:
            stream.need = 5
            return False
        if not _is_old(bytes(data[:5])):
            self.begun = True
            return True
        end = 2 + ((data[0] & 0x7F) << 8 | data[1])
        if len(data) < max(end, 5):
            stream.need = max(end, 5)
            return False
        self.begun = True
        only.note("tls.version", TO_SERVER, stream.frame(end), data[3] << 8 | data[4])
        stream.drop(end)
        return True

    def _units(self, d: int, frame: int, kind: int, head: bytes, body: bytes) -> None:
        self.unit("tls.pdu", d, frame, head + body)
        self.unit("tls.hdr", d, frame, head)
        self.unit("tls.data", d, frame, body)
        if kind in (_ALERT, _HEARTBEAT):
            self.unit("tls.alert" if kind == _ALERT else "tls.heartbeat", d, frame, body)

    def _record(self, d: int, kind: int, body: bytes, frame: int, only: Transaction) -> None:
        if kind == _HANDSHAKE and not self.encrypted[d]:
            self.messages[d] += body
            self._handshake(d, frame, only)
        elif kind == _CHANGE:
            self.encrypted[d] = True
            only.whole(d, frame)
        elif kind == _ALERT and len(body) == 2 and not self.encrypted[d] and body[0] not in (1, 2):
            self.odd("tls.invalid_alert_message", d, frame, only)
        elif kind == _ALERT and len(body) == 2 and body[0] == 2 and not self.encrypted[d]:
            self.odd("tls.error_message_encountered", d, frame, only)
        elif kind == _HEARTBEAT:
            self._heartbeat(d, body, frame, only)
        elif kind == _DATA:
            self.encrypted[d] = True
            only.whole(d, frame)
            if all(self.encrypted):
                if not self.settings.units:  # else records are told on, and nothing else of them
                    self.stop()
                only.note("tls.encrypted", d, frame, 1)
                self.finish(only)

    def _heartbeat(self, d: int, body: bytes, frame: int, only: Transaction) -> None:
        hidden = any(self.encrypted)
        if not hidden:
            self.odd("tls.heartbeat_message", d, frame, only)
            only.note("tls.heartbeat", d, frame, body[0] if body else -1)
        if event := self._beat(d, body, hidden):
            self.odd(event, d, frame, only)
            self.stop()

    def _beat(self, d: int, body: bytes, hidden: bool) -> str:
        """What is wrong with a heartbeat (RFC 6520), judged as Suricata does; it reads no more after one."""
        if len(body) < 3:
            return ""
        if not hidden and body[0] not in (1, 2):
            return "tls.invalid_heartbeat_message"
        if self.beat is None:
            self.beat = d, len(body) if hidden else 0
            asked = int.from_bytes(body[1:3], "big") + 3
            if hidden or asked + 16 <= len(body):
                return ""
            return f"tls.{'overflow' if asked > len(body) else 'invalid'}_heartbeat_message"
        begun, size = self.beat
        if begun == d:  # a second one while the first is not answered
            return "tls.invalid_heartbeat_message"
        self.beat = None
        return "tls.dataleak_heartbeat_mismatch" if hidden and 0 < size < len(body) else ""

    def _handshake(self, d: int, frame: int, only: Transaction) -> None:
        messages = self.messages[d]
        while len(messages) >= 4:
            end = 4 + int.from_bytes(messages[1:4], "big")
            if messages[0] not in MESSAGES:  # what there is of it is passed over
                self.odd("tls.invalid_handshake_message", d, frame, only)
                del messages[:end]
                continue
            if end > MOST_HANDSHAKE:
                self.odd("tls.handshake_invalid_length", d, frame, only)
                self.done[d] = True
                return
            if len(messages) < end:
                return
            kind, body = messages[0], bytes(messages[4:end])
            del messages[:end]
            try:
                self._message(d, kind, body, frame, only)
            except (Cut, Broken):
                self.odd("tls.invalid_handshake_message", d, frame, only)

    def _message(self, d: int, kind: int, body: bytes, frame: int, only: Transaction) -> None:
        if (state := _STATES.get(kind, 0)) and len(only.notes) < 5 * MOST_NOTED:
            only.note("ssl_state", d, frame, state)
        if kind == _CLIENT_HELLO and d == TO_SERVER:
            hello, server_name, random, event = read_client(body)
            put_client(only, frame, hello, server_name, random)
            if event:
                self.odd(event, d, frame, only)
        elif kind == _SERVER_HELLO and d == TO_CLIENT:
            legacy, version, cipher, extensions, alpn, random = read_server(body)
            text = ja3s(legacy, cipher, extensions)
            only.put("ja3s.string", d, frame, text)
            only.put("ja3s.hash", d, frame, md5(text))
            only.put("tls.version", d, frame, VERSIONS.get(version, b"%04x" % version))
            only.put("tls.random", d, frame, random)
            only.put("tls.random_time", d, frame, random[:4])
            only.put("tls.random_bytes", d, frame, random[4:])
            only.note("tls.version", d, frame, version)
            only.note("tls.cipher", d, frame, cipher)
            if alpn:
                only.put("tls.alpn", d, frame, alpn)
            if version >= 0x0304:  # what follows is encrypted
                self.encrypted[TO_CLIENT] = True
        elif kind == _CERTIFICATE:
            self._certificates(d, body, frame, only)

    def _certificates(self, d: int, body: bytes, frame: int, only: Transaction) -> None:
        at, part = 3, 0
        while at + 3 <= len(body) and part < MOST_CERTIFICATES:
            end = at + 3 + int.from_bytes(body[at : at + 3], "big")
            if end > len(body):
                self.odd("tls.certificate_invalid_length", d, frame, only)
                break
            data = body[at + 3 : end]
            only.put("tls.certs", d, frame, data, part)
            if part == 0:
                self._first(d, data, frame, only)
            at, part = end, part + 1
        only.note("tls.cert_chain_len", d, frame, part)

    def _first(self, d: int, data: bytes, frame: int, only: Transaction) -> None:
        only.put("tls.cert_fingerprint", d, frame, certificate.fingerprint(data))
        try:
            found = certificate.read(data)
        except (Broken, ValueError):
            event = "certificate_invalid_length" if certificate.is_cut(data) else "invalid_certificate"
            self.odd(f"tls.{event}", d, frame, only)
            return
        only.put("tls.cert_subject", d, frame, found.subject)
        only.put("tls.cert_issuer", d, frame, found.issuer)
        only.put("tls.cert_serial", d, frame, found.serial)
        only.note("tls.cert_notbefore", d, frame, found.not_before)
        only.note("tls.cert_notafter", d, frame, found.not_after)
        for part, name in enumerate(found.names):
            only.put("tls.subjectaltname", d, frame, name, part)


def _fault(kind: int, version: int, length: int) -> str:
    """What is wrong with a record's head; nothing where it is sound."""
    if not _CHANGE <= kind <= _HEARTBEAT:
        return "tls.invalid_record_type"
    if version >> 8 != 3 and version != 0x0101:
        return "tls.invalid_record_version"
    return "tls.invalid_record_length" if length > _MOST_RECORD else ""


def _is_old(head: bytes) -> bool:
    """Whether bytes begin an SSL 2 hello of a client: of 9 bytes at least, that offers SSL 2 to TLS 1.3."""
    return (
        len(head) == 5
        and head[0] >= 0x80
        and (head[0] & 0x7F) << 8 | head[1] >= 9
        and head[2] == _CLIENT_HELLO
        and (head[3:5] in (b"\0\2", b"\2\0") or (head[3] == 3 and head[4] <= 4))
    )


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a record with a hello, or an alert."""
    if direction == TO_SERVER and data[:1] >= b"\x80":
        return _is_old(data[:5]) if len(data) >= 5 else (None if 443 in ports else False)
    if not data or data[0] not in (_HANDSHAKE, _ALERT):
        return False
    if len(data) < 6:
        return None if data[1:2] in (b"", b"\x03", b"\x01") else False
    if (data[1] != 3 or data[2] > 4) and data[1:3] != b"\x01\x01":
        return False
    if data[0] == _ALERT:
        return data[3:5] == b"\0\2" and data[5] in (1, 2)
    return data[5] == (_CLIENT_HELLO if direction == TO_SERVER else _SERVER_HELLO)
