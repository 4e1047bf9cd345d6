"""Channels: a beacon that keeps time, names that carry data, an upload that little comes back for."""

from __future__ import annotations

import itertools

from drills.stage import SECOND
from drills.traffic import channels


def test_beacon(make_stage, conversations):
    stage = make_stage()
    ends = channels.beacon(stage, stage.start, every=10, jitter=10, seconds=200)
    talks = conversations(stage)
    begins = sorted(talk[0][0].time for talk in talks.values())
    pauses = [(b - a) / SECOND for a, b in itertools.pairwise(begins)]
    assert 18 <= len(begins) <= 23
    assert all(8.9 < pause < 11.1 for pause in pauses)
    assert {(src, dst, port) for src, dst, _, _, port in talks} == {(*ends.sources, *ends.targets, 443)}


def test_tunnel(make_stage):
    from scapy.layers.dns import DNS
    from scapy.layers.l2 import Ether

    stage = make_stage()
    ends = channels.tunnel(stage, stage.start, source="client-03", rate=5, seconds=8, domain="t.example")
    assert ends.sources == (stage.register["client-03"].v4,)
    assert ends.targets == (stage.register["dns"].v4,)
    messages = [Ether(put.frame)[DNS] for put in stage.frames]
    asked = [m for m in messages if not m.qr]
    answered = {m.id: m for m in messages if m.qr}
    assert len(asked) == len(answered) == 40
    names = {m.qd[0].qname.decode() for m in asked}
    assert len(names) == 40
    for question in asked:
        name = question.qd[0].qname.decode()
        assert name.endswith(".t.example.")
        assert len(name) > 90
        assert all(len(label) <= 63 for label in name.split("."))
        assert len(answered[question.id].an[0].rdata[0]) == 120


def test_theft(make_stage, conversations):
    stage = make_stage()
    ends = channels.theft(stage, stage.start, source="files", kilobytes=640, seconds=20)
    (((src, dst, *_), talk),) = conversations(stage).items()
    assert (src, dst) == (*ends.sources, *ends.targets) == ("10.20.1.45", "192.0.2.140")
    sent = {src: 0, dst: 0}
    for put, packet in talk:
        sent[packet["IP"].src] += len(put.frame)
    assert sent[src] > 640_000
    assert sent[src] > 10 * sent[dst]
    assert 8 * SECOND < talk[-1][0].time - talk[0][0].time < 25 * SECOND
