"""The README's table from results kept."""

from __future__ import annotations

import pytest

from bench import results, table
from bench.cli import main
from bench.errors import BenchError

MACHINE = {
    "cpu": "Some Processor",
    "memory": 16 << 30,
    "kernel": "6.1",
    "python": "3.11.2",
    "numba": "0.68.1",
}


def kept(name: str, **more) -> dict:
    return {
        "name": name,
        "unit": "CPU seconds per packet",
        "ours": {"2M": 3e-8},
        "peers": {"dpkt": {"2M": 9.5e-6}},
        "ratios": {"dpkt": {"2M": 316.7}},
        "repeats": 3,
        "machine": MACHINE,
        "versions": {"citywall": "0.1.0", "dpkt": "1.9.8"},
        "packets": {"ours": {"2M": 2_000_000}, "peers": {"dpkt": {"2M": 2_000_000}}},
        "startup": {"ours": {"2M": {"wall": 1.5}}, "peers": {"dpkt": {"2M": {"wall": 0.4}}}},
        "spread": {
            "ours": {"2M": {"cpu": {"relative": 0.02}}},
            "peers": {"dpkt": {"2M": {"cpu": {"relative": 0.1}}}},
        },
        "wall": {"ours": {"2M": 3.1e-8}, "peers": {"dpkt": {"2M": 9.6e-6}}},
        "units": {},
        "absent": {},
        **more,
    }


def test_a_row_for_each_peer_and_the_machine_below():
    text = table.render({"decode": kept("decode")})
    assert "| decode | 2M | 30.0 ns | dpkt | 9,500 ns | 317x |" in text.splitlines()
    assert "Some Processor (16 GiB, Linux 6.1, Python 3.11.2, Numba 0.68.1; dpkt 1.9.8)" in text


def test_shares_memory_scale_and_absent_peers_are_told():
    result = kept(
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


def test_start_up_is_told_apart_for_the_whole_run():
    text = table.render({"end-to-end": kept("end-to-end")})
    assert "start-up and end apart from the packets: Citywall 1.5 s, dpkt 0.4 s." in text


def test_nothing_measured_and_no_peers():
    assert "make bench" in table.render({})
    alone = kept("decode", peers={}, ratios={}, packets={"ours": {"2M": 2_000_000}, "peers": {}})
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


def test_the_command_writes_checks_and_complains(tmp_path, capsys):
    readme, folder = tmp_path / "README.md", tmp_path / "results"
    options = ["--readme", str(readme), "--results", str(folder)]
    assert main(["table", *options]) == 1
    assert "no such file" in capsys.readouterr().err
    readme.write_text(f"{table.BEGIN}\n{table.END}\n", "utf-8")
    results.save(kept("decode"), folder)
    assert main(["table", "--check", *options]) == 1
    assert "stale" in capsys.readouterr().err
    assert main(["table", *options]) == 0
    assert main(["table", "--check", *options]) == 0
    assert "317x" in readme.read_text("utf-8")


def test_results_read_well_on_a_terminal():
    result = kept("decode", units={"memory": "bytes above", "20M/2M": "ratio"}, absent={"scapy": "get it"})
    result["ours"] |= {"memory": 5 << 20, "20M/2M": 1.02}
    lines = results.readable(result).splitlines()
    assert "30.0 ns +2%" in lines[1]
    assert lines[2].endswith("317x")
    assert lines[3:] == [
        "  memory: 5 MiB (bytes above)",
        "  20M/2M: 1.020 (ratio)",
        "  scapy is absent: get it",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23x"), (12.34, "12.3x"), (1234.5, "1,234x"), (0.5, "0.50x")]
)
def test_ratios_are_short(value, text):
    assert results.times(value) == text
