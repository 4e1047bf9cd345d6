"""Plans a drill: from a scenario, its capture and truth in a folder of their own.

The same scenario gives the same files, byte for byte, and the same digest, whenever it is planned.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from citywall.errors import FaultyInput
from citywall.faults import Fault
from drills import truth
from drills.classes import detector_of
from drills.reading import plays
from drills.register import of
from drills.scenario import Attack, Detection, Scenario
from drills.scene import Cue, Progress, Scene, Script, perform
from drills.stage import SECOND
from drills.traffic.kinds import KINDS
from posture import reading as registers


def script_of(scenario: Scenario) -> Script:
    """How a synthesised scenario is played; raises FaultyInput where its register has faults."""
    register = registers.read([Path(scenario.register)])
    return Script(
        of(register, scenario.cast), scenario.seed, scenario.start, scenario.seconds,
        plays(scenario.background), [_cue(attack) for attack in scenario.attacks],
    )  # fmt: skip


def _cue(attack: Attack) -> Cue:
    kind = KINDS[attack.kind]
    play = partial(kind.play, **attack.options)
    return Cue(attack.id, attack.at, play, kind.class_, kind.attck, detector_of(kind.class_))


def make_traffic(scenario: Scenario, capture: Path, progress: Progress | None = None) -> Scene:
    """Synthesise the capture of a scenario and its truth; raises InputError, FaultyInput."""
    scene = perform(capture, script_of(scenario), progress)
    played = {attack.id for attack in scene.truth.attacks}
    lost = [attack for attack in scenario.attacks if attack.id not in played]
    if lost:
        faults = [Fault(scenario.id, 0, f"attacks.{a.id}", "drill_fault.never_played") for a in lost]
        raise FaultyInput(scenario.id, faults)
    return scene


def expected_of(scenario: Scenario, known: truth.Truth) -> tuple[Detection, ...]:
    """What is to be detected: as the scenario says; where it says nothing of an attack, what is true of it.

    Sources and targets that it leaves open are those of the truth, but nobody is named as the source of an
    attack that was spoofed.
    """
    attacks = {attack.id: attack for attack in known.attacks}
    said = {detection.attack for detection in scenario.detections}
    found = [d for d in scenario.detections if d.attack in attacks]
    found += [Detection(a.id, class_=a.kind, techniques=a.attck) for a in known.attacks if a.id not in said]
    order = list(attacks)
    return tuple(sorted((_whole(d, attacks[d.attack]) for d in found), key=lambda d: order.index(d.attack)))


def _whole(detection: Detection, attack: truth.AttackTruth) -> Detection:
    return Detection(
        detection.attack,
        detection.class_ or attack.kind,
        detection.techniques or attack.attck,
        detection.sources or (() if attack.spoofed or attack.kind == "dos" else attack.sources),
        detection.targets or attack.targets,
        detection.within,
        detection.severity,
    )


def seconds_of(known: truth.Truth) -> float:
    """How long a capture lasts."""
    return (known.end - known.start) / SECOND
