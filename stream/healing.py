"""Healing dead letters: their sessions are run again, from the start."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from citywall.errors import StreamError
from citywall.sessions import session_id
from citywall.settings import Settings, results_digest
from stream import feeder
from stream.data_folder import DataFolder
from stream.letters import Letter, LetterBox
from stream.reporting import Observe
from stream.reports import RunReport
from stream.runner import run_paths


class Healing(msgspec.Struct):
    """What came of a replay: ids healed, ids of letters that came again, and the run's report."""

    healed: list[str]
    again: list[str]
    report: RunReport


Run = Callable[[Sequence[Path], Path, Settings, Observe | None], RunReport]


def replay(
    letters: Sequence[Letter],
    data: Path,
    settings: Settings,
    observe: Observe | None = None,
    run: Run = run_paths,
) -> Healing:
    """Run the sessions of `letters` again, in the order in which they were first noted.

    All letters of these sessions are healed but those that come again. Raises StreamError where a session
    cannot be run again as it was (its input is gone or changed, or results would be under other ids), and
    what `run_paths` raises; then the letters stay as they were.
    """
    inputs = {letter.session: letter.path for letter in letters}
    for session, path in inputs.items():
        _check(session, path, settings)
    folder = DataFolder(data)
    try:
        if folder.ledger.run:
            raise StreamError(f"{data}: a run was cut off; finish it first with the command that began it")
    finally:
        folder.close()
    box = LetterBox(data)
    open_before = [letter.id for letter in box.letters() if letter.session in inputs]
    for session in inputs:
        box.heal(session, time.time_ns())
    try:
        report = run([Path(path) for path in inputs.values()], data, settings, observe)
    except BaseException:
        box.reopen(open_before)
        raise
    still = {letter.id for letter in box.letters()}
    return Healing([i for i in open_before if i not in still], [i for i in open_before if i in still], report)


def _check(session: str, path: str, settings: Settings) -> None:
    if not path:
        raise StreamError(f"session {session or 'unknown'}: it is not known from which file it came")
    (source,) = feeder.plan([Path(path)])
    if source.refused is not None:
        raise StreamError(f"session {session} cannot be run again: {source.refused}")
    results = results_digest(settings)
    if session not in {session_id(kind, settings.lane, source.digest, results) for kind in feeder.KINDS}:
        raise StreamError(
            f"session {session} cannot be run again: {path} has changed, or settings that change results"
            " (give those of the first run with --config and --set)"
        )
