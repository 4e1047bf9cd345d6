"""Zeek's logs beside conn.log: address resolution and what applications say are read, the rest is counted."""

from __future__ import annotations

import re

import numpy as np

from ingest.flowlogs import zeek_said
from ingest.flowlogs.fields import Fields, Vocabulary, read_json
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, names_in
from ingest.flowlogs.rows import Resolutions, is_v4, nothing
from ingest.flowlogs.zeek_tsv import Header, ZeekTsv

NAMES = ("ts", "operation", "orig_h", "resp_h", "orig_hw", "resp_hw", "src_mac")
#: Fields that only this log has, to its name; the order is that in which they are tried.
KINDS = (
    ("operation orig_hw", "arp"), ("msg_types", "dhcp"), ("trans_id query", "dns"),
    ("trans_depth method", "http"), ("trans_depth helo", "smtp"), ("server_name cipher", "ssl"),
    ("cipher version", "ssl"), ("fuid mime_type", "files"), ("certificate_serial", "x509"),
    ("note msg", "notice"), ("tunnel_type", "tunnel"), ("software_type", "software"),
    ("machine compile_ts", "pe"), ("auth_success", "ssh"), ("name addl notice", "weird"),
    ("command reply_code", "ftp"), ("filter init", "packet_filter"), ("named_pipe", "dce_rpc"),
    ("request_type client", "kerberos"),
)  # fmt: skip
#: Bytes in which a header is looked for.
_HEAD = 1 << 16
_PATH = re.compile(r"^[a-z0-9_]{1,24}$")
_OPERATIONS = Vocabulary({"request": (1,), "reply": (2,)})


class ZeekOther(Parser):
    """Logs with a time that are no connections: JSON lines or columns under `#fields`."""

    name = "zeek-other"

    def sniff(self, head: bytes) -> bool:
        """Whether it is one whose kind can be told."""
        return bool(self.header(head, ""))

    def header(self, lines: bytes, header: str) -> str:
        """The kind of log, and for columns what their header says."""
        if lines.startswith(b"#") or b"\n#" in lines:
            told = ZeekTsv().header(lines, header.partition("\n")[2])
            path = Header(told).path.partition(".")[0]
            usable = Header(told).columns and not Header(told).is_conn and _PATH.match(path)
            return f"{path}\n{told}" if usable else header
        if header:
            return header
        for line in lines.splitlines()[:20]:
            names = names_in(line)
            for wanted, kind in KINDS:
                if set(wanted.split()) <= names and ("ts" in names or kind == "packet_filter"):
                    return kind
        return ""

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Resolutions among JSON lines, what applications say; of others how many there are."""
        header = self.header(lines.buffer[:_HEAD].tobytes(), header)
        kind, _, columns = header.partition("\n")
        begins = lines.buffer[lines.starts]
        # Of lines of columns only their number is taken here: they have nothing that could be wrong.
        cut = (begins != ord("{")) & (columns != "")
        fields = Fields(lines.where((begins != ord("#")) & ~cut), NAMES)
        read_json(fields)
        asked = _resolutions(fields)
        errors = Errors()
        errors.add_status(fields.status, fields.lines.numbers)
        whole = int(np.count_nonzero(fields.status == 0)) + int(np.count_nonzero(cut & (begins != ord("#"))))
        others = {"zeek_arp": len(asked.line)} if len(asked.line) else {}
        if whole > len(asked.line):
            name = f"zeek_{kind or 'other'}"
            others[name] = others.get(name, 0) + whole - len(asked.line)
        told = zeek_said.read(lines, kind, columns, errors)
        return Parsed(nothing(), asked, errors, others, said=told)


def _resolutions(fields: Fields) -> Resolutions:
    """Address resolution, one message a line: who asked whom, or who answered whom."""
    kinds, known = _OPERATIONS.look_up(fields.words("operation"))
    ours = (fields.status == 0) & known & fields.present("orig_h") & fields.present("resp_h")
    arp = Fields(fields.lines.where(ours), NAMES)
    arp.spans[:] = fields.spans[ours]
    arp.require("ts")
    first = arp.times("ts")
    src_hi, src_lo = arp.addresses("orig_h")
    dst_hi, dst_lo = arp.addresses("resp_h")
    arp.mark(~(is_v4(src_hi, src_lo) & is_v4(dst_hi, dst_lo)), "bad_address")
    fields.status[ours] = arp.status
    good, reply = arp.status == 0, kinds[ours, 0] == 2
    asker, about = np.where(reply, dst_lo, src_lo), np.where(reply, src_lo, dst_lo)
    said = reply[good]
    cards = np.stack([arp.macs(name) for name in ("orig_hw", "resp_hw", "src_mac")], axis=1)[good]
    return Resolutions(arp.lines.numbers[good], first[good], asker[good], about[good], said, said, cards)
