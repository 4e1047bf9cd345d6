"""`citywall compile`: the kernels compiled once, so that the first run need not wait for them."""

from __future__ import annotations

import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import click
import msgspec

from citywall import kernelcache
from console import terminal, units
from console.framework import Command, option
from console.options import looks
from console.terminal import Terminal

SCENE_MINUTES = 1
# Flow logs have kernels of their own; two lines of each kind reach them.
_ZEEK = """\
#separator \\x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	missed_bytes	history	orig_pkts	orig_ip_bytes	resp_pkts	resp_ip_bytes	tunnel_parents
#types	time	string	addr	port	addr	port	enum	string	interval	count	count	string	bool	bool	count	string	count	count	count	count	set[string]
1700000000.000000	C1	192.0.2.1	40000	198.51.100.1	443	tcp	ssl	1.5	100	200	SF	-	-	0	ShADadFf	5	360	4	408	(empty)
1700000001.000000	C2	192.0.2.1	40001	198.51.100.1	443	tcp	-	-	-	-	S0	-	-	0	S	1	60	0	0	(empty)
"""  # noqa: E501
_BINETFLOW = """\
StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
2023/11/14 22:13:20.000000,1.5,tcp,192.0.2.1,40000,   ->,198.51.100.1,443,SRPA_SPA,0,0,9,768,360,
2023/11/14 22:13:21.000000,0.0,tcp,192.0.2.1,40001,   ->,198.51.100.1,443,S_,0,,1,60,60,
"""
_ENDS = '{"ts":1,"id.orig_h":"10.0.0.1","id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":53,'
#: What applications say, by the name of the log: one line each.
_TOLD = {
    "dns": _ENDS + '"proto":"udp","trans_id":1,"query":"a.example.com","qtype":1,"rcode":3}\n',
    "http": _ENDS + '"trans_depth":1,"method":"GET","host":"a","uri":"/","status_code":404}\n',
    "ssl": _ENDS + '"version":"TLSv12","cipher":"TLS_RSA_WITH_RC4_128_SHA","server_name":"a"}\n',
    "dhcp": '{"ts":1.5,"mac":"02:00:00:00:00:01","requested_addr":"192.0.2.9","msg_types":[]}\n',
    "smtp": _ENDS + '"trans_depth":1,"helo":"a","last_reply":"535 no"}\n',
}
_EVE = """\
{"timestamp":"2023-11-14T22:13:20+0000","event_type":"flow","src_ip":"192.0.2.1","dest_ip":"198.51.100.1","proto":"UDP"}
"""
# A datagram of NetFlow v5 with a record of a second ago; one of sFlow without a sample.
_NETFLOW = bytes.fromhex(
    "00050001 00002710 6553f180 00000000 00000000 0000 0000".replace(" ", "")
) + bytes.fromhex(
    "c0000201 c6336401 00000000 0000 0000 00000001 0000003c 00002328 00002328 9c40 01bb 00 02 06 00"
    "0000 0000 00 00 0000".replace(" ", "")
)
#: An entry of each kind that flows and events are looked through for, and a Sigma rule.
_LIST = "203.0.113.1\nevil.example\nhttp://evil.example/a\n"
_SIGMA = """\
title: A name
logsource: {category: dns}
detection: {asked: {query|contains: evil}, condition: asked}
"""
_SFLOW = bytes.fromhex("0000000500000001c0000201000000000000000100002710" + "00000000")


@click.command(cls=Command, name="compile")
@option("--quiet", "-q", key="compile_quiet", is_flag=True)
@looks
@click.pass_context
def command(context: click.Context, *, quiet: bool) -> None:
    """Compile every kernel by running a small scene through the stream."""
    ensure(terminal.of(context), quiet=quiet)


def ensure(look: Terminal, *, quiet: bool) -> None:
    """Compile every kernel, unless that was done, which is told where not `quiet`."""
    marker = kernelcache.marker().with_suffix(f".{sys.implementation.cache_tag}-{version('numba')}")
    folder = marker.parent
    if marker.exists():
        if not quiet:
            look.note(look.tr("compile.already", path=folder))
        return
    look.note(look.tr("compile.working"))
    began = time.monotonic()
    _run_everything()
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    look.note(look.tr("compile.done", time=units.duration(time.monotonic() - began), path=folder))


def _run_everything() -> None:
    from citywall.settings import Settings
    from drills.scene import synthesise
    from ingest.anomalies.finding import compile_anomalies
    from ingest.applications.analysis import analyse
    from ingest.applications.compiled.reading import compile_parsers
    from ingest.applications.quic_keys import compile_opening
    from ingest.collectors.collector import compile_framing
    from ingest.collectors.exports import compile_exports
    from ingest.decode.layers import compile_layers
    from ingest.fragments.assembler import compile_fragments
    from ingest.handshakes.gathering import compile_gathering
    from ingest.live.sealing import compile_copy
    from ingest.sightings.reading import compile_reading
    from stream.packing import compile_both
    from stream.runner import run_paths

    with tempfile.TemporaryDirectory(prefix="citywall-compile-") as scratch:
        folder = Path(scratch)
        scene, zeek, binetflow = folder / "scene.pcap", folder / "conn.log", folder / "flows.binetflow"
        synthesise(scene, minutes=SCENE_MINUTES)
        zeek.write_text(_ZEEK, "utf-8")
        told = [folder / f"{name}.log" for name in _TOLD]
        for path, text in zip(told, _TOLD.values(), strict=True):
            path.write_text(text, "utf-8")
        binetflow.write_text(_BINETFLOW, "utf-8")
        others = [folder / "eve.json", folder / "netflow.dat", folder / "sflow.dat"]
        for path, content in zip(others, (_EVE.encode(), _NETFLOW, _SFLOW), strict=True):
            path.write_bytes(content)
        compile_copy()
        compile_framing()
        compile_exports(_NETFLOW)
        compile_fragments()
        compile_layers()
        compile_gathering()
        compile_anomalies()
        compile_both()
        compile_reading()
        compile_opening()
        compile_parsers()
        analyse(scene)
        # Several partitions, so that those kernels run too that share rows out.
        learning = msgspec.structs.replace(Settings().models, online=True)
        (folder / "list.txt").write_text(_LIST, "utf-8")
        (folder / "sigma.yml").write_text(_SIGMA, "utf-8")
        lists = msgspec.structs.replace(
            Settings().rules, indicators=(str(folder / "list.txt"),), sigma=(str(folder / "sigma.yml"),)
        )
        settings = msgspec.structs.replace(Settings(), partitions=2, models=learning, rules=lists)
        run_paths([scene, zeek, *told, binetflow, *others], folder / "data", settings, None)
