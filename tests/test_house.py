"""The shape of the house: where things may stand and how large they may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "citywall", "trust", "ingest", "detectors", "rules", "models", "alerts", "posture", "playbooks", "stream",
    "drills", "reports", "console", "bench",
)  # fmt: skip
SOURCES = [p.relative_to(ROOT) for room in ROOMS for p in sorted((ROOT / room).rglob("*.py"))]
# A fused kernel must stand in one file (Numba's cache looks at no other); everything else is split.
LONGEST = 400


def imports(path: Path) -> set[str]:
    """Top-level names of every module a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_numba_has_one_door(path: Path):
    if path.name != "kernels.py":
        assert not imports(path) & {"numba", "llvmlite"}


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "kernels.py"], ids=str)
def test_modules_fit_in_a_head(path: Path):
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [p for p in SOURCES if not p.name.startswith("__")], ids=str)
def test_every_module_has_its_test(path: Path):
    assert (ROOT / "tests" / path.parent / f"test_{path.name}").is_file()


def test_light_commands_load_nothing_heavy():
    heavy = "numba faust scapy sklearn pyarrow pandas numpy"
    code = (
        "import sys\nfrom console.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        f"print(sorted(set(sys.modules) & set('{heavy}'.split())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_project_speaks_only_of_itself():
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT)
    foreign = re.compile(r"/work/|/root/|/home/\w+/|/tmp/[a-z]")
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".json"} and path.name != Path(__file__).name:
            assert not foreign.search(path.read_text("utf-8")), name
