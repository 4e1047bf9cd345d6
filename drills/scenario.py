"""What a scenario is made of, once its file has been read and found whole.

Its fields follow 情景简表 (GB/T 46791-2025 appendix B) and 演练计划 (GB/T 38645-2020 appendix A.1), as far as
those are public. Texts are in Chinese, with English beside where it was given.
"""

from __future__ import annotations

from typing import Any

import msgspec

#: Of the form of the files.
VERSION = 1
FORMS = ("tabletop", "hands-on", "demonstration")
SCOPES = ("comprehensive", "special")


class Words(msgspec.Struct, frozen=True):
    """A text that people read."""

    zh: str = ""
    en: str = ""

    def text(self, language: str) -> str:
        """In `language`, or in Chinese where there is no English."""
        return self.en if language == "en" and self.en else self.zh


class Attack(msgspec.Struct, frozen=True):
    """One attack of a synthesised scenario: its kind, and when it begins (s into the scene)."""

    id: str
    kind: str
    at: int
    options: dict[str, Any] = {}


class Detection(msgspec.Struct, frozen=True):
    """What is to be said of an attack: by detectors of a class or of an ATT&CK technique.

    `sources` and `targets` are addresses or prefixes, those of the attack where they are left open. `within`:
    seconds of event time after the attack's first frame, 0 for any time; `severity`: at least.
    """

    attack: str
    class_: str = ""
    techniques: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    within: int = 0
    severity: int = 2


class Response(msgspec.Struct, frozen=True):
    """What people are to do about an attack, each within seconds of its alert (0: whenever)."""

    attack: str
    acknowledge: int = 0
    playbook: str = ""
    start_playbook: int = 0
    close: int = 0


class Scenario(msgspec.Struct, frozen=True):
    """A scenario. One that replays a recording has `capture` and `truth` (paths) and no attacks of its own.

    `start` is in ns; `cast` says which asset, or prefixes, of the register play a part of the scene.
    """

    id: str
    title: Words
    purpose: Words
    briefing: Words
    storyline: Words = Words()
    form: str = "hands-on"
    scope: str = "special"
    participants: tuple[str, ...] = ()
    register: str = "example"
    cast: dict[str, tuple[str, ...]] = {}
    seed: int = 1
    start: int = 0
    seconds: int = 0
    background: tuple[str, ...] = ()
    attacks: tuple[Attack, ...] = ()
    capture: str = ""
    truth: str = ""
    detections: tuple[Detection, ...] = ()
    responses: tuple[Response, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether it replays a recording."""
        return bool(self.capture)
