"""Every kind can be played with its options, and says what is wrong with them."""

from __future__ import annotations

import inspect

import pytest

from citywall.i18n import LANGUAGES
from drills.classes import CLASSES
from drills.traffic.kinds import KINDS, bad_option, domain, party, version_of
from posture.fields import Bad
from posture.nodes import Scalar


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.id)
def test_kinds(make_stage, kind):
    assert kind.class_ in CLASSES
    assert len({kind.title(language) for language in LANGUAGES}) == len(LANGUAGES)
    assert all(technique.startswith("T1") for technique in kind.attck)
    arguments = inspect.signature(kind.play).parameters
    assert set(kind.options) == {n for n, p in arguments.items() if p.kind is p.KEYWORD_ONLY}
    stage = make_stage(span=60.0)
    few = {"seconds": 6, "rate": 20, "ports": 12, "attempts": 3, "kilobytes": 64, "mirrors": 3, "bots": 2}
    with stage.labelled(1):
        ends = kind.play(stage, stage.start, **{k: v for k, v in few.items() if k in kind.options})
    assert stage.frames
    assert ends.targets
    assert bool(ends.sources) or ends.spoofed
    assert {":" in target for target in ends.targets} == {version_of(kind.id, "target") == 6}


def test_parties_and_domains():
    assert party(Scalar(1, "2001:DB8::1", plain=True)) == "2001:db8::1"
    assert party(Scalar(1, "client-03", plain=True)) == "client-03"
    assert domain(Scalar(1, "a-b.example", plain=True)) == "a-b.example"
    for read, text in (
        (party, "192.0.2.300"),
        (party, "10.0.0.0/8"),
        (domain, "a..b"),
        (domain, "ä.example"),
    ):
        with pytest.raises(Bad):
            read(Scalar(1, text, plain=True))


@pytest.mark.parametrize(
    ("kind", "option", "value", "key"),
    [
        ("horizontal-scan", "networks", ["10.0.0.0/8"], "prefix_size"),
        ("ipv6-scan", "network", "10.20.1.0/24", "wrong_version"),
        ("udp6-flood", "target", "10.20.1.10", "wrong_version"),
        ("syn-flood", "target", "nobody", "no_such_host"),
        ("syn-flood", "target", "portal", None),
        ("ipv6-scan", "network", "fd20:0:1::/64", None),
        ("syn-flood", "rate", 3, None),
    ],
)
def test_options_that_need_the_scene(kind, option, value, key):
    bad = bad_option(kind, option, value, known={"portal"}.__contains__)
    assert (bad and bad.key) == (key and f"drill_fault.{key}")
