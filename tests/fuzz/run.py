"""Coverage-guided fuzzing of the parsers (`make fuzz`): bounded, with the JIT off so that kernels are seen.

    python tests/fuzz/run.py [--keep] SECONDS [TARGET…]

Every target (all of them, where none is named) is fuzzed for so long in a process of its own, beginning with
its seeds and its corpus. `--keep` adds to the corpus what reached further. A finding is added to it in any
case, told, and makes the exit code 1: mend what it shows, and the corpus replays it from then on.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["NUMBA_DISABLE_JIT"] = "1"

from tests.fuzz import corpus  # noqa: E402
from tests.fuzz.targets import MODULES, load, rooms  # noqa: E402

#: Bytes of an input, seconds that one may take, and MiB.
LONGEST, SLOWEST, LARGEST_MIB = 1024, 20, 2048


def one(module: str, name: str, seconds: str, folder: str) -> None:
    """Fuzz one target in this process; does not come back."""
    import atheris

    with atheris.instrument_imports(include=list(rooms(module))):
        target = load(module)[name]
    import numpy as np

    np.seterr(over="ignore")  # hashes wrap on purpose
    given = [
        sys.argv[0], f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SLOWEST}",
        f"-rss_limit_mb={LARGEST_MIB}", f"-artifact_prefix={folder}/found-", "-print_final_stats=0",
        "-verbosity=0", f"{folder}/corpus",
    ]  # fmt: skip
    atheris.Setup(given, target.run)
    atheris.Fuzz()


def fuzz(module: str, name: str, seconds: str, *, keep: bool) -> bool:
    """Fuzz one target in a process of its own, and keep what came of it; whether nothing was found."""
    target = load(module)[name]
    with tempfile.TemporaryDirectory(prefix="citywall-fuzz-") as folder:
        inputs = Path(folder) / "corpus"
        inputs.mkdir()
        given = {*target.seeds, *(raw for raw, _ in corpus.read(name))}
        for raw in given:
            (inputs / hashlib.sha1(raw).hexdigest()).write_bytes(raw)
        done = subprocess.run(
            [sys.executable, __file__, "--one", module, name, seconds, folder],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        reached = [path.read_bytes() for path in inputs.iterdir()]
        said = done.stdout + done.stderr
        found = [(path.read_bytes(), _why(said)) for path in Path(folder).glob("found-*")]
    new = [raw for raw in reached if raw not in given] if keep else []
    total = corpus.keep(name, new, found) if new or found else len(corpus.read(name))
    print(
        f"{name}: {len(reached) - len(given)} reached further, {len(found)} found, {total} kept", flush=True
    )
    if found or done.returncode:
        print(said[-4000:], file=sys.stderr, flush=True)
    return not found and not done.returncode


def _why(said: str) -> str:
    """The last line of the exception, or what libFuzzer says."""
    lines = said.splitlines()
    for i, line in enumerate(lines):
        if "Uncaught Python exception" in line:
            told = next((each for each in lines[i + 1 :] if each.strip()), "")
            return told.strip().encode("ascii", "replace").decode()[:120]
    return next((line.strip()[:120] for line in lines if "ERROR: libFuzzer" in line), "found")


def main() -> int:
    """Fuzz what is asked for."""
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:6])
        return 1
    arguments = [each for each in sys.argv[1:] if each != "--keep"]
    seconds, wanted = (arguments or ["60"])[0], set(arguments[1:])
    sound = True
    for module in MODULES:
        for name in load(module):
            if not wanted or name in wanted:
                sound &= fuzz(module, name, seconds, keep="--keep" in sys.argv)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
