"""Compiles every kernel, by running small inputs through whatever uses them; and Python's own code."""

from __future__ import annotations

import compileall
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from citywall import kernelcache

SCENE_MINUTES = 1
# Flow logs have kernels of their own; two lines of each kind reach them.
ZEEK = """\
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
BINETFLOW = """\
StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
2023/11/14 22:13:20.000000,1.5,tcp,192.0.2.1,40000,   ->,198.51.100.1,443,SRPA_SPA,0,0,9,768,360,
2023/11/14 22:13:21.000000,0.0,tcp,192.0.2.1,40001,   ->,198.51.100.1,443,S_,0,,1,60,60,
"""
_ENDS = '{"ts":1,"id.orig_h":"10.0.0.1","id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":53,'
#: What applications say, by the name of the log: one line each.
TOLD = {
    "dns": _ENDS + '"proto":"udp","trans_id":1,"query":"a.example.com","qtype":1,"rcode":3}\n',
    "http": _ENDS + '"trans_depth":1,"method":"GET","host":"a","uri":"/","status_code":404}\n',
    "ssl": _ENDS + '"version":"TLSv12","cipher":"TLS_RSA_WITH_RC4_128_SHA","server_name":"a"}\n',
    "dhcp": '{"ts":1.5,"mac":"02:00:00:00:00:01","requested_addr":"192.0.2.9","msg_types":[]}\n',
    "smtp": _ENDS + '"trans_depth":1,"helo":"a","last_reply":"535 no"}\n',
}
EVE = """\
{"timestamp":"2023-11-14T22:13:20+0000","event_type":"flow","src_ip":"192.0.2.1","dest_ip":"198.51.100.1","proto":"UDP"}
"""
# A datagram of NetFlow v5 with a record of a second ago; one of sFlow without a sample.
NETFLOW = bytes.fromhex(
    "00050001 00002710 6553f180 00000000 00000000 0000 0000".replace(" ", "")
) + bytes.fromhex(
    "c0000201 c6336401 00000000 0000 0000 00000001 0000003c 00002328 00002328 9c40 01bb 00 02 06 00"
    "0000 0000 00 00 0000".replace(" ", "")
)
#: An entry of each kind that flows and events are looked through for, and a Sigma rule.
LIST = "203.0.113.1\nevil.example\nhttp://evil.example/a\n"
SIGMA = """\
title: A name
logsource: {category: dns}
detection: {asked: {query|contains: evil}, condition: asked}
"""
SFLOW = bytes.fromhex("0000000500000001c0000201000000000000000100002710" + "00000000")


def every_kernel() -> None:
    """Compile all; where there are two processors, what packets hold beside everything else."""
    if len(os.sched_getaffinity(0)) > 1:
        with ProcessPoolExecutor(1, get_context("spawn")) as beside:
            other = beside.submit(content)
            others()
            other.result()
    else:
        content()
        others()
    stream(packets=True)


def stream(*, packets: bool) -> None:
    """Kernels of the stream, by flow logs of every kind, and a scene where `packets` are asked for."""
    from citywall.settings import Settings
    from drills.packets import tcp_frame, write_pcapng
    from drills.scene import START, synthesise
    from stream.runner import run_paths

    with tempfile.TemporaryDirectory(prefix="citywall-compile-") as scratch:
        folder = Path(scratch)
        logs = {"conn.log": ZEEK, "flows.binetflow": BINETFLOW, "eve.json": EVE}
        logs |= {f"{name}.log": text for name, text in TOLD.items()}
        texts = {"list.txt": LIST, "sigma.yml": SIGMA, **logs}
        exports = {"netflow.dat": NETFLOW, "sflow.dat": SFLOW}
        for name, raw in {**{name: text.encode() for name, text in texts.items()}, **exports}.items():
            (folder / name).write_bytes(raw)
        inputs = [folder / name for name in (*logs, *exports)]
        if packets:
            inputs.insert(0, folder / "scene.pcap")
            synthesise(inputs[0], minutes=SCENE_MINUTES)
            inputs.insert(1, folder / "frame.pcapng")
            write_pcapng(inputs[1], [(START, tcp_frame("192.0.2.1", "198.51.100.1", 40000, 443))])
        # Several partitions, so that those kernels run too that share rows out.
        learning = msgspec.structs.replace(Settings().models, online=True)
        lists = msgspec.structs.replace(
            Settings().rules, indicators=(str(folder / "list.txt"),), sigma=(str(folder / "sigma.yml"),)
        )
        settings = msgspec.structs.replace(Settings(), partitions=2, models=learning, rules=lists)
        run_paths(inputs, folder / "data", settings, None)


def others() -> None:
    """Kernels that need no capture: of flow logs, detectors, models, exporters, and of what packets say."""
    from ingest.collectors.collector import compile_framing
    from ingest.collectors.exports import compile_exports
    from ingest.handshakes.gathering import compile_gathering
    from ingest.live.sealing import compile_copy
    from ingest.sightings.reading import compile_reading
    from models.trees.forest import compile_scoring

    compile_copy()
    compile_framing()
    compile_exports(NETFLOW)
    compile_gathering()
    compile_reading()
    compile_scoring()
    stream(packets=False)


def content() -> None:
    """Kernels of what is in packets: fragments, tunnels, streams, application layers, signatures."""
    from drills.scene import synthesise
    from ingest.anomalies.finding import compile_anomalies
    from ingest.applications.analysis import analyse
    from ingest.applications.compiled.reading import compile_parsers
    from ingest.applications.compiled.recognising import compile_recognising
    from ingest.applications.quic_keys import compile_opening
    from ingest.decode.layers import compile_layers
    from ingest.decode.slow import compile_slow
    from ingest.fragments.assembler import compile_fragments
    from rules.language.parser import Parser
    from rules.match.engine import Engine
    from rules.pack import SHIPPED
    from stream.matching import over_capture
    from stream.packing import compile_both

    compile_fragments()
    compile_layers()
    compile_slow()
    compile_anomalies()
    compile_both()
    compile_opening()
    compile_parsers()
    compile_recognising()
    with tempfile.TemporaryDirectory(prefix="citywall-compile-") as scratch:
        scene = Path(scratch) / "scene.pcap"
        synthesise(scene, minutes=SCENE_MINUTES)
        analyse(scene)
        over_capture(scene, Engine(Parser().files([SHIPPED]).rules))


def bytecode(root: Path = kernelcache.ROOT) -> None:
    """Keep the modules of all rooms below `root` compiled beside their sources; what is already stays.

    Where Python may not do so by itself (PYTHONDONTWRITEBYTECODE, as container images have it), each start
    would compile hundreds of them anew. A folder that cannot be written stays as it is.
    """
    for room in root.glob("*/__init__.py"):
        if room.parent.name not in ("bench", "tests"):
            compileall.compile_dir(room.parent, quiet=2)
