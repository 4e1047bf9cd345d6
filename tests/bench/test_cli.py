"""The command line: sizes, names, where results go."""

from __future__ import annotations

import json

import pytest

from bench import cli, results
from bench.registry import BENCHMARKS


@pytest.fixture
def asked(monkeypatch):
    """Replaces the benchmarks; the contexts they were run with."""
    contexts, registry = [], BENCHMARKS

    class Stub:
        def __init__(self, name):
            self.name = name
            self.named = registry[name].named

        def __call__(self):
            return self

        def run(self, context):
            contexts.append(context)
            context.say("progress")
            return {
                "name": self.name, "unit": "CPU seconds per packet", "ours": {}, "peers": {}, "ratios": {},
                "packets": {"ours": {}}, "repeats": context.repeats, "units": {}, "absent": {},
                "failed": "something was lost" if context.kills == 13 else None,
            }  # fmt: skip

    monkeypatch.setattr(cli, "BENCHMARKS", {name: Stub(name) for name in BENCHMARKS})
    return contexts


def test_all_benchmarks_are_run_at_the_standard_size_and_kept(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert cli.main(["--json"]) == 0
    told = capsys.readouterr()
    assert [json.loads(line)["name"] for line in told.out.splitlines()] == [
        "decode",
        "meter",
        "end-to-end",
        "index",
        "backbone",
    ]
    assert "progress" in told.err
    assert asked[0].sizes == (2_000_000,)
    assert asked[0].repeats == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "backbone.json", "decode.json", "end-to-end.json", "index.json", "meter.json",
    ]  # fmt: skip


def test_other_sizes_are_not_kept_unless_asked(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "standard")
    assert cli.main(["decode", "--packets", "3000,1000", "--repeats", "1"]) == 0
    assert asked[0].sizes == (1000, 3000)
    assert not (tmp_path / "standard").exists()
    assert "least of 1" in capsys.readouterr().out
    assert cli.main(["decode", "--packets", "3000", "--results", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "decode.json").exists()


def test_large_means_both_sizes_and_twenty_million_is_a_standard_one(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert cli.main(["meter", "--large", "--keep", "--seed", "9"]) == 0
    assert asked[0].sizes == (2_000_000, 20_000_000)
    assert asked[0].captures.keep
    assert asked[0].captures.seed == 9
    assert cli.main(["decode", "--packets", "20000000"]) == 0
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nothing"], "no benchmark is called 'nothing': there are decode, meter, end-to-end"),
        (["--packets", "10"], "at least 1000"),
        (["--packets", "many"], "at least 1000"),
        (["--packets", "5000", "--large"], "contradict"),
    ],
)
def test_bad_use_is_told_with_exit_code_two(asked, capsys, arguments, complaint):
    assert cli.main(arguments) == 2
    assert complaint in capsys.readouterr().err
    assert asked == []


def test_what_failed_is_said_and_makes_the_exit_code_one(asked, capsys):
    assert cli.main(["chaos", "--kills", "13", "--seed", "5", "--seconds", "60", "--outage", "0"]) == 1
    context = asked[0]
    assert (context.kills, context.seed, context.limit_s, context.outage_s) == (13, 5, 60.0, 0.0)
    told = capsys.readouterr()
    assert "chaos: something was lost" in told.err
    assert "chaos" in told.out
    assert cli.main(["chaos", "--kills", "12", "--outage", "0"]) == 0


def test_repeats_must_be_positive(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--repeats", "0"])
    assert stopped.value.code == 2
    assert "at least 1" in capsys.readouterr().err


def test_the_measuring_process_stays_light():
    """Its children would inherit its peak memory."""
    import subprocess
    import sys

    code = "import sys, bench.cli; print([m for m in ('numpy', 'numba', 'scapy') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
