"""What the fields of scenario and truth files may hold, declared once (see :mod:`posture.fields`)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from alerts import times
from drills.classes import CLASSES
from drills.scenario import FORMS, SCOPES, VERSION
from drills.traffic import BENIGN
from posture.fields import Bad, Field, choice, flag, identifier, number, prefix, text
from posture.nodes import Scalar

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_WHOLE = re.compile(r"[0-9]{1,19}")
_ZONED = re.compile(r"(Z|z|[+-]\d\d:?\d\d)$")
_LONGEST = 4000
#: Seconds that a scenario may last.
LONGEST_S = 6 * 3600


def paragraph(node: Scalar) -> str:
    """Some lines of text, not empty."""
    said = node.text.strip()
    if not said:
        raise Bad("empty")
    if len(said) > _LONGEST:
        raise Bad("too_long", most=str(_LONGEST))
    if _CONTROL.search(said):
        raise Bad("control")
    return said


def moment(node: Scalar) -> int:
    """A time with its zone, in ns; ISO 8601."""
    try:
        if not _ZONED.search(node.text):
            raise ValueError
        found = times.from_iso(node.text)
    except ValueError as e:
        raise Bad("drill_fault.not_time", text=node.text[:100]) from e
    if not 0 < found < 1 << 62:
        raise Bad("drill_fault.not_time", text=node.text[:100])
    return found


def technique(node: Scalar) -> str:
    """A technique of MITRE ATT&CK."""
    if not _TECHNIQUE.fullmatch(node.text):
        raise Bad("drill_fault.not_technique", text=node.text[:100])
    return node.text


def path(node: Scalar) -> str:
    """A path; one that is not absolute is relative to the file it stands in."""
    said = text(node)
    if ".." in PurePosixPath(said).parts:
        raise Bad("drill_fault.path_up", text=said)
    return said


def whole(node: Scalar) -> int:
    """A whole number from 0 that 63 bits hold."""
    if not _WHOLE.fullmatch(node.text) or int(node.text) >= 1 << 63:
        raise Bad("not_number", low="0", high=str((1 << 63) - 1), text=node.text[:100])
    return int(node.text)


def optional(node: Scalar) -> str:
    """A name, or nothing."""
    return text(node) if node.text.strip() else ""


def version(node: Scalar) -> int:
    """The version of the form of a file."""
    if node.text != str(VERSION):
        raise Bad("drill_fault.not_version", version=str(VERSION))
    return VERSION


def seconds(most: int) -> Field:
    """A number of seconds from 1 to `most`."""
    return Field(number(1, most))


BACKGROUND = tuple(play.__name__ for play in BENIGN)
_ATTACK = {
    "id": Field(identifier, required=True),
    "kind": Field(identifier, required=True),
    "at": Field(number(0, LONGEST_S), required=True),
    "options": Field(),  # read by what the kind has
}
_DETECTION = {
    "attack": Field(identifier, required=True),
    "class": Field(choice(*CLASSES)),
    "techniques": Field(each=technique),
    "sources": Field(each=prefix),
    "targets": Field(each=prefix),
    "within": seconds(86_400),
    "severity": Field(number(1, 5)),
}
_RESPONSE = {
    "attack": Field(identifier, required=True),
    "acknowledge": seconds(30 * 86_400),
    "playbook": Field(identifier),
    "start_playbook": seconds(30 * 86_400),
    "close": seconds(30 * 86_400),
}
#: Fields of a scenario.
SCENARIO: dict[str, Field] = {
    "version": Field(version, required=True),
    "id": Field(identifier, required=True),
    "title": Field(text, required=True),
    "title_en": Field(text),
    "purpose": Field(paragraph, required=True),
    "purpose_en": Field(paragraph),
    "briefing": Field(paragraph, required=True),
    "briefing_en": Field(paragraph),
    "storyline": Field(paragraph),
    "storyline_en": Field(paragraph),
    "form": Field(choice(*FORMS)),
    "scope": Field(choice(*SCOPES)),
    "participants": Field(each=identifier),
    "register": Field(path),
    "cast": Field(),  # parts of the scene
    "seed": Field(number(0, 999_999_999)),
    "start": Field(moment),
    "seconds": Field(number(10, LONGEST_S)),
    "background": Field(each=choice(*BACKGROUND)),
    "attacks": Field(table=_ATTACK),
    "capture": Field(path),
    "truth": Field(path),
    "detections": Field(table=_DETECTION),
    "responses": Field(table=_RESPONSE),
}
#: Fields that only a synthesised scenario has.
SYNTHESISED = ("cast", "seed", "start", "seconds", "background", "attacks")

_LABELLED = {
    "id": Field(identifier, required=True),
    "kind": Field(choice(*CLASSES), required=True),
    "attck": Field(each=technique),
    "detector": Field(optional),
    "sources": Field(each=prefix, required=True),
    "targets": Field(each=prefix, required=True),
    "spoofed": Field(flag),
    "frames": Field(),  # runs [first, last]
    "from": Field(moment),
    "until": Field(moment),
    "first_frame": Field(whole),
    "last_frame": Field(whole),
    "packets": Field(whole),
    "start": Field(whole),
    "end": Field(whole),
}
#: Fields of a truth file. Those that can be counted in the capture are, and must agree where they are given.
TRUTH: dict[str, Field] = {
    "version": Field(version),
    "capture": Field(text),
    "seed": Field(whole),
    "minutes": Field(whole),
    "packets": Field(whole),
    "bytes": Field(whole),
    "start": Field(whole),
    "end": Field(whole),
    "attacks": Field(table=_LABELLED, required=True),
    "benign_hosts": Field(each=prefix),
}
