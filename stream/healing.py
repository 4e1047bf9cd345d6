"""Healing dead letters: their sessions are run again, from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from citywall.errors import StreamError
from citywall.settings import Settings
from posture.attach import attach
from stream import feeder
from stream.data_folder import DataFolder
from stream.feeder import Source
from stream.letters import Letter, LetterBox
from stream.reporting import Observe
from stream.reports import RunReport
from stream.runner import run_paths


class Healing(msgspec.Struct):
    """What came of a replay: ids healed, ids open now (messages set aside again), and the run's report."""

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

    That heals all letters of these sessions, as every run over the same inputs does; a message that fails
    again has a new letter. A replay that was cut off goes on. Raises StreamError where a session cannot be
    run again as it was (its input is gone or changed, or results would be under other ids), and what
    `run_paths` raises.
    """
    settings = attach(settings)
    inputs = {letter.session: letter.path for letter in letters}
    for session, path in inputs.items():
        if not path:
            raise StreamError(f"session {session or 'unknown'}: it is not known from which file it came")
    paths = [Path(path) for path in inputs.values()]
    sources = feeder.plan(paths)
    for session, source in zip(inputs, sources, strict=True):
        _check(session, source, settings)
    _not_in_the_way(data, feeder.run_key(sources, settings))
    box = LetterBox(data)
    before = [letter.id for letter in box.letters() if letter.session in inputs]
    report = run(paths, data, settings, observe)
    after = [letter.id for letter in box.letters() if letter.session in inputs]
    return Healing([i for i in before if i not in after], after, report)


def _check(session: str, source: Source, settings: Settings) -> None:
    if sensor := feeder.sensor_of(source.path):
        raise StreamError(
            f"session {session} came from sensor {sensor}: run `citywall run {source.path}` with the settings"
            " of the first run, and send the same capture again"
        )
    if source.refused is not None:
        raise StreamError(f"session {session} cannot be run again: {source.refused}")
    if session not in feeder.inputs_of([source], settings):
        raise StreamError(
            f"session {session} cannot be run again: {source.path} has changed, or settings that change"
            " results (give those of the first run with --config and --set)"
        )


def _not_in_the_way(data: Path, run: str) -> None:
    """Raises StreamError where a run other than `run` was cut off: its place would be taken."""
    folder = DataFolder(data)
    try:
        if folder.ledger.run not in {"", run}:
            raise StreamError(f"{data}: a run was cut off; finish it first with the command that began it")
    finally:
        folder.close()
