# ruff: noqa: E501, ISC004
"""Flow logs of every format, their files, and the files that map them."""

from __future__ import annotations

import itertools

from tests.fuzz.targets import Target, scratch

ROOMS = ("ingest.flowlogs", "ingest.collectors.joining")
_ENDS = b'{"ts":1,"id.orig_h":"10.0.0.1","id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":53,'
LOGS = (
    b'{"timestamp":"2024-05-01T00:00:00","event_type":"flow","src_ip":"10.0.0.1","flow":{"start":"2024"}}',
    b'{"timestamp":"2024-05-01T00:00:00.1+0800","event_type":"dns","src_ip":"::1","dest_ip":"::2","proto":"UDP",'
    b'"dns":{"type":"query","rrname":"a.b","rrtype":"A"}}\n{"event_type":"alert","alert":{"signature_id":7}}\n',
    b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action\n"
    b"2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 60 1 2 ACCEPT OK\n",
    b"2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 60 1 2 ACCEPT OK\n",
    b'<13>x src=10.0.0.1 dst="fd00::1" proto=tcp t=1.5\n',
    b"#separator \\x09\n#set_separator\t,\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n"
    b"#types\ttime\taddr\tport\taddr\tport\tenum\n1.5\t::1\t1\t::2\t2\ttcp\n",
    _ENDS + b'"proto":"udp","trans_id":1,"query":"a.example.com","qtype":1,"rcode":3}\n',
    _ENDS + b'"trans_depth":1,"method":"GET","host":"a","uri":"/","status_code":404}\n',
    _ENDS + b'"version":"TLSv12","cipher":"TLS_RSA_WITH_RC4_128_SHA","server_name":"a"}\n',
    _ENDS + b'"version":"TLSv12","cipher":"c","cert_chain_fps":["aa","bb"],"client_cert_chain_fuids":["F1"]}\n',
    b'{"ts":1.5,"fingerprint":"aa","certificate.serial":"0A","certificate.subject":"CN=a","san.dns":["a.example","b"]}\n',
    b'{"ts":1.5,"mac":"02:00:00:00:00:01","requested_addr":"192.0.2.9","msg_types":["DISCOVER"]}\n',
    b"StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"
    b"2023/11/14 22:13:20.0,1.5,tcp,192.0.2.1,40000,   ->,198.51.100.1,443,SRPA_SPA,0,0,9,768,360,\n",
)  # fmt: skip
MAPPINGS = (
    b'name = "a"\nformat = "pairs"\nrecognise = "x"\n[fields]\n"event.start" = "t"\n"source.ip" = "s"\n'
    b'"destination.ip" = "d"\n"network.transport" = "p"\n',
)
_NAMES = {"event.start": "t", "source.ip": "src", "destination.ip": "dst", "network.transport": "proto"}
_LOGIN = {"event.start": "t", "user.name": "user", "event.outcome": "how", "source.ip": "src"}


def targets() -> dict[str, Target]:
    """Lines to every parser, files to the reader, mapping files."""
    from citywall.errors import InputError, SettingsError
    from ingest.flowlogs import registry
    from ingest.flowlogs.chains.chains import Chains
    from ingest.flowlogs.lines import split
    from ingest.flowlogs.mapped import Mapped
    from ingest.flowlogs.mapping import Mapping, load
    from ingest.flowlogs.reader import FlowLogReader
    from ingest.flowlogs.registry import PARSERS

    mapped = [
        Mapped(Mapping("m", "pairs", _NAMES, "x")),
        Mapped(Mapping("c", "csv", _NAMES, "x", columns=("t", "src", "dst", "proto"), oneway=True)),
        Mapped(Mapping("j", "json", _LOGIN, "x", kind="login")),
    ]
    folder = scratch()
    other, numbers = folder / "m.toml", itertools.count()

    def logs(data: bytes) -> None:
        """Whatever the format, every parser reads them; no row is of a line that is none."""
        lines, chains = split(data, 1), Chains(2)
        for parser in PARSERS.values():
            if parser.name != "mapped":
                told = parser.parse(lines, parser.header(data, ""))
                assert len(told.logged.line) <= len(data) + 1
                chains.add(told.said)
        chains.finish()
        for each in mapped:
            each.parse(lines, each.initial)

    def files(data: bytes) -> None:
        """A file as `citywall run` takes it, in small chunks and in one: the same rows come."""
        path = folder / f"conn.{next(numbers)}.log"  # what was opened is known by name, size and time
        path.write_bytes(data)
        seen = []
        for size in (97, 1 << 20):
            reader, rows = FlowLogReader(), 0
            try:
                if (parser := registry.sniff(path)) is None:
                    break
                for ref in registry.chunks(path, parser, size):
                    rows += len(reader.add(ref).reports)
                rows += len(reader.finish().reports)
            except InputError:
                rows = -1
            seen.append((rows, reader.errors.counts))
        path.unlink()
        assert len({rows for rows, _ in seen}) < 2, seen

    def mappings(data: bytes) -> None:
        """A mapping file is read, or refused."""
        other.write_bytes(data)
        try:
            load(other)
        except SettingsError:
            return

    return {
        "logs": Target(logs, LOGS),
        "log-files": Target(files, LOGS),
        "mappings": Target(mappings, MAPPINGS),
    }
