"""Operations: many things asked, everything answered."""

from __future__ import annotations

from drills.register import example
from drills.traffic import operations


def test_monitoring_reaches_every_server(make_stage, conversations):
    stage = make_stage()
    operations.monitoring(stage)
    talks = conversations(stage)
    servers = {h.v4 for h in example().hosts.values() if h.v4.startswith("10.20.1.") and h.name != "monitor"}
    assert {dst for _, dst, proto, _, _ in talks if proto == "other"} == servers
    assert {dst for _, dst, proto, _, port in talks if (proto, port) == ("UDP", 161)} == servers
    assert {src for src, *_ in talks} == {"10.20.1.50"}


def test_meetings_go_both_ways_over_both_versions(make_stage, conversations):
    stage = make_stage(120.0)
    operations.meeting(stage)
    talks = conversations(stage)
    assert sorted(":" in src for src, *_ in talks) == [False, True]
    for talk in talks.values():
        assert len(talk) > 300


def test_the_backup_is_one_sided(make_stage, conversations):
    stage = make_stage(200.0)
    operations.backup(stage)
    ((key, talk),) = conversations(stage).items()
    sent = sum(p["IP"].len for _, p in talk if p["IP"].src == key[0])
    assert sent > 400_000
    assert sent > 10 * sum(p["IP"].len for _, p in talk if p["IP"].src != key[0])


def test_a_wrong_password_now_and_then_is_no_guessing(make_stage, conversations):
    stage = make_stage()
    operations.administration(stage)
    talks = conversations(stage)
    assert {port for *_, port in talks} == {22}
    assert len(talks) < 20
    assert all(len(talk) > 20 for talk in talks.values())


def test_neighbours_answer(make_stage):
    stage = make_stage()
    operations.neighbours(stage)
    kinds = [put.frame[12:14] for put in stage.frames]
    assert kinds.count(b"\x08\x06") > 50
    assert kinds.count(b"\x86\xdd") > 20
    assert len(stage.frames) % 2 == 0


def test_clocks_and_exchange(make_stage, conversations):
    stage = make_stage()
    operations.clocks(stage)
    operations.exchange(stage)
    ports = {port for *_, port in conversations(stage)}
    assert ports == {123, 8443, 5432}


def test_pings_of_either_version(make_stage):
    stage = make_stage()
    for version in (4, 6):
        a, b = (stage.side(stage.register[n], version) for n in ("monitor", "dns"))
        operations.ping(stage, a, b, stage.start, 1)
    at = {4: 34, 6: 54}
    assert [put.frame[at[4] if put.frame[12:14] == b"\x08\x00" else at[6]] for put in stage.frames] == [
        8,
        0,
        128,
        129,
    ]
