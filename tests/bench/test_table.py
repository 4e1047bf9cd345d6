"""The README's table from results kept."""

from __future__ import annotations

import pytest

from bench import results, table
from bench.cli import main
from bench.errors import BenchError


def test_a_row_for_each_peer_and_the_machine_below(kept_result):
    text = table.render({"decode": kept_result("decode")})
    assert "| decode | 2M | 30.0 ns | dpkt | 9,500 ns | 317x |" in text.splitlines()
    assert "Some Processor (16 GiB, Linux 6.1, Python 3.11.2, Numba 0.68.1; dpkt 1.9.8)" in text


def test_shares_memory_scale_and_absent_peers_are_told(kept_result):
    result = kept_result(
        "meter",
        ours={"2M": 3e-8, "20M": 3.3e-8, "20M/2M": 1.1, "memory": 500 << 20},
        peers={"dpkt": {"2M": 9.5e-6, "20M": 9.5e-6}},
        ratios={"dpkt": {"2M": 316.7, "20M": 288.0}},
        packets={
            "ours": {"2M": 2_000_000, "20M": 20_000_000},
            "peers": {"dpkt": {"2M": 2_000_000, "20M": 2_000_000}},
        },
        units={"20M/2M": "ratio of costs a packet", "memory": "bytes above the idle process"},
        memory={"flows": 1_000_000},
        absent={"softflowd": "apt-get install softflowd"},
    )
    text = table.render({"meter": result})
    assert "| decode + meter | 20M | 33.0 ns | dpkt (first 2,000,000) | 9,500 ns | 288x |" in text
    assert "- decode + meter: a packet among 20M costs 1.10 times one among 2M." in text
    assert "1,000,000 flows at once, a checkpoint in progress: 500 MiB above the idle process." in text
    assert "- decode + meter: softflowd was absent." in text


def test_counts_are_told_with_their_unit(kept_result):
    result = kept_result(
        "live", ours={"overload-seen": 502_349.0}, peers={}, ratios={},
        packets={"ours": {}, "peers": {}}, units={"overload-seen": "packets"},
    )  # fmt: skip
    assert "- live, overload seen: 502,349 packets." in table.render({"live": result})


def test_start_up_is_told_apart_for_the_whole_run(kept_result):
    text = table.render({"end-to-end": kept_result("end-to-end")})
    assert "start-up and end apart from the packets: Citywall 1.5 s, dpkt 0.4 s." in text


def test_nothing_measured_and_no_peers(kept_result):
    assert "make bench" in table.render({})
    alone = kept_result("decode", peers={}, ratios={}, packets={"ours": {"2M": 2_000_000}, "peers": {}})
    assert "| decode | 2M | 30.0 ns |  |  |  |" in table.render({"decode": alone})


def test_only_the_text_between_the_markers_changes(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter \\1\n", "utf-8")
    assert not table.is_current(readme, "new \\1")
    assert table.update(readme, "new \\1")
    assert readme.read_text("utf-8") == f"before\n{table.BEGIN}\nnew \\1\n{table.END}\nafter \\1\n"
    assert table.is_current(readme, "new \\1")
    assert not table.update(readme, "new \\1")


@pytest.mark.parametrize("text", ["no markers", f"{table.BEGIN} {table.END} {table.BEGIN} {table.END}"])
def test_a_readme_without_the_markers_once_is_refused(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text, "utf-8")
    with pytest.raises(BenchError, match="must stand there once"):
        table.update(readme, "x")


def test_the_command_writes_checks_and_complains(tmp_path, capsys, kept_result):
    readme, folder = tmp_path / "README.md", tmp_path / "results"
    options = ["--readme", str(readme), "--results", str(folder)]
    assert main(["table", *options]) == 1
    assert "no such file" in capsys.readouterr().err
    readme.write_text(f"{table.BEGIN}\n{table.END}\n", "utf-8")
    results.save(kept_result("decode"), folder)
    assert main(["table", "--check", *options]) == 1
    assert "stale" in capsys.readouterr().err
    assert main(["table", *options]) == 0
    assert main(["table", "--check", *options]) == 0
    assert "317x" in readme.read_text("utf-8")
