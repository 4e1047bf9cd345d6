"""The clock, the dice and the conversations."""

from __future__ import annotations

import pytest

from drills.stage import ACK, FIN, RST, SECOND, SYN, Tcp, ask


def test_moments_and_beats_stay_inside(make_stage):
    stage = make_stage(100.0)
    for times in (stage.moments(2.0), stage.moments(2.0, 10, 20), stage.beats(7.0)):
        assert times == sorted(times)
        assert all(stage.start <= t <= stage.start + 101 * SECOND for t in times)
    assert 25 < len(make_stage(100.0).moments(2.0)) < 80
    assert len(make_stage(100.0).beats(10.0)) == 10


def test_the_same_dice_roll_the_same(make_stage):
    one, two = make_stage(), make_stage()
    assert [one.port() for _ in range(5)] == [two.port() for _ in range(5)]
    assert one.junk(9) == two.junk(9)
    two.roll("other")
    assert one.junk(9) != two.junk(9)


def test_labels(make_stage):
    stage = make_stage()
    stage.put(1999, b"a")
    with stage.labelled(3):
        stage.put(2000, b"b")
    stage.put(5, b"c")
    assert [(p.time, p.label) for p in stage.frames] == [(1000, 0), (2000, 3), (0, 0)]


def test_a_tcp_conversation_adds_up(make_stage, conversations):
    stage = make_stage()
    client, server = stage.side(stage.register["client-00"]), stage.side(stage.register["portal"])
    Tcp(stage, client, server, 443, stage.start).open().send(b"q" * 3000).reply(b"a" * 10).close()
    (talk,) = conversations(stage).values()
    assert [p.time for p, _ in talk] == sorted(p.time for p in stage.frames)
    begun, carried, ended = {}, {}, {}
    for _, packet in talk:
        tcp, who = packet["TCP"], packet["IP"].src
        flags = int(tcp.flags)
        if flags & SYN:
            begun[who] = tcp.seq
        size = packet["IP"].len - 20 - tcp.dataofs * 4
        if size:
            assert tcp.seq == (begun[who] + 1 + carried.get(who, 0)) & 0xFFFFFFFF
            carried[who] = carried.get(who, 0) + size
        if flags & FIN:
            ended[who] = tcp.seq
        if flags & ACK and not flags & SYN:
            other = packet["IP"].dst
            assert (tcp.ack - begun[other] - 1) & 0xFFFFFFFF <= carried.get(other, 0) + 1
    assert carried == {client.address: 3000, server.address: 10}
    assert {who: (seq - begun[who] - 1) & 0xFFFFFFFF for who, seq in ended.items()} == carried


def test_knocking_and_resets(make_stage, conversations):
    stage = make_stage()
    client, server = stage.side(stage.register["client-00"], 6), stage.side(stage.register["portal"], 6)
    tcp = Tcp(stage, client, server, 9, stage.start).knock(3)
    assert tcp.now - stage.start == 3 * SECOND
    Tcp(stage, client, server, 9, stage.start).knock(refused=True)
    Tcp(stage, client, server, 9, stage.start).open().reset(1)
    talks = [[int(p["TCP"].flags) for _, p in talk] for talk in conversations(stage).values()]
    assert sorted(talks) == sorted([[SYN] * 3, [SYN, RST | ACK], [SYN, SYN | ACK, ACK, RST | ACK]])
    tries = next(talk for talk in conversations(stage).values() if len(talk) == 3)
    assert len({p["TCP"].seq for _, p in tries}) == 1


def test_asking(make_stage, conversations):
    stage = make_stage()
    client, server = stage.side(stage.register["client-00"]), stage.side(stage.register["dns"])
    ask(stage, client, server, 53, stage.start, b"question", b"answer")
    ask(stage, client, server, 53, stage.start, b"question")
    assert sorted(len(talk) for talk in conversations(stage).values()) == [1, 2]


def test_parties(make_stage):
    stage = make_stage()
    register = stage.register
    assert stage.party("portal").mac == stage.side(register["portal"]).mac
    assert stage.party("portal", 6).address == register["portal"].v6
    assert stage.party(register["portal"].v6).mac == stage.side(register["portal"]).mac
    assert stage.party("10.20.30.66").mac.hex(":") == "02:20:30:00:00:42"
    assert stage.party("192.0.2.1").mac.hex(":") == register.gateway.mac
    with pytest.raises(ValueError, match="IPv6"):
        stage.party("printer", 6)
    with pytest.raises(ValueError, match="nobody"):
        stage.party("nobody")
