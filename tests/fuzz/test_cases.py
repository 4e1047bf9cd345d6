"""What fuzzing kept is replayed: compiled, and in plain Python where every access is bounds-checked."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.replay import replay
from tests.fuzz.targets import MODULES, load

#: Those whose kernels the JIT can hide something of; the others are Python anyhow.
KERNELS = ("captures", "compiled", "exports", "logs", "messages", "packets", "streams")
#: Changed inputs of each seed that go through compiled kernels.
MUTANTS = 4


@pytest.mark.parametrize("module", MODULES)
def test_compiled(module):
    targets, inputs = replay(module)
    assert inputs >= targets


def test_in_plain_python():
    script = Path(__file__).with_name("replay.py")
    done = subprocess.run(
        [sys.executable, str(script), *KERNELS], capture_output=True, text=True, check=False,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.split()) == 3 * len(KERNELS)


@pytest.mark.parametrize("module", KERNELS)
def test_changed_a_little(module):
    """What no coverage guided to: bytes changed, cut out and doubled."""
    dice = random.Random(module)
    for name, target in load(module).items():
        for raw in [*target.seeds, *(raw for raw, _ in corpus.read(name)[:10])]:
            for _ in range(MUTANTS):
                target.run(changed(raw, dice))


def changed(raw: bytes, dice: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(dice.choice([1, 1, 2, 8])):
        if not out:
            break
        at, size = dice.randrange(len(out)), dice.choice([1, 2, 4, 16])
        what = dice.randrange(4)
        if what == 0:
            out[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        elif what == 1:
            del out[at : at + size]
        elif what == 2:
            out[at:at] = out[at : at + size]
        else:
            out[at : at + size] = dice.randbytes(size)
    return bytes(out)


def test_cases_are_of_targets_that_there_are():
    names = {name for module in MODULES for name in load(module)}
    assert {path.stem for path in corpus.FOLDER.glob("*.txt")} <= names
    for name in names:
        cases = corpus.read(name)
        assert cases == sorted(set(cases))
        assert sum(not why for _, why in cases) <= corpus.MOST


def test_the_corpus_keeps_what_was_found_whatever_there_is_room_for(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "FOLDER", tmp_path / "cases")
    monkeypatch.setattr(corpus, "MOST", 3)
    reached = [bytes([i]) * (i + 1) for i in range(10)] + [bytes(corpus.LARGEST + 1)]
    assert corpus.keep("t", reached, [(b"bad", "IndexError: x")]) == 4
    assert (b"bad", "IndexError: x") in corpus.read("t")
    assert corpus.keep("t", [b"more"], [(b"bad", "again"), (b"worse", "ValueError")]) == 5
    assert {raw for raw, why in corpus.read("t") if why} == {b"bad", b"worse"}
