"""The README's table, made from the results kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.harness import Result
from bench.results import cost, times

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
TITLES = {
    "decode": "decode",
    "meter": "decode + meter",
    "end-to-end": "`citywall run`",
    "index": "alerts into Elasticsearch",
    "backbone": "`citywall run` over Kafka, wall clock",
    "chaos": "killed at random",
    "models": "forest, a row; rows of a call",
    "signatures": "signatures",
    "applications": "application layers",
}
HEADINGS = ("", "packets", "Citywall", "peer", "its cost", "ratio")


def render(results: Mapping[str, Result]) -> str:
    """The table, the figures beside it and the facts about the machine, as Markdown."""
    if not results:
        return "Nothing has been measured yet: `make bench`."
    rows = [row for result in results.values() for row in _rows(result)]
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * 2 + " ---: | --- | ---: | ---: |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    notes = [note for result in results.values() for note in _notes(result)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), "", _machine(results)])


def update(readme: Path, table: str) -> bool:
    """Put the table between the markers; whether that changed the file. Raises BenchError without markers."""
    text, new = _replaced(readme, table)
    if text != new:
        readme.write_text(new, "utf-8")
    return text != new


def is_current(readme: Path, table: str) -> bool:
    """Whether the table stands between the markers already. Raises BenchError without markers."""
    text, new = _replaced(readme, table)
    return text == new


def _replaced(readme: Path, table: str) -> tuple[str, str]:
    try:
        text = readme.read_text("utf-8")
    except FileNotFoundError as e:
        raise BenchError(f"{readme}: there is no such file") from e
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise BenchError(f"{readme}: {BEGIN} and {END} must stand there once")
    return text, pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text)


def _rows(result: Result) -> list[list[str]]:
    title = TITLES.get(result["name"], result["name"])
    rows = []
    for case in result["packets"]["ours"]:
        ours = cost(result["ours"][case])
        for peer, values in result["peers"].items():
            share = result["packets"]["peers"][peer][case]
            whole = result["packets"]["ours"][case]
            given = f"{peer} (first {share:,})" if share < whole else peer
            rows.append([title, case, ours, given, cost(values[case]), times(result["ratios"][peer][case])])
        if not result["peers"]:
            rows.append([title, case, ours, "", "", ""])
    return rows


def _notes(result: Result) -> list[str]:
    title = TITLES.get(result["name"], result["name"])
    notes = [f"{title}: {note}." for note in result.get("notes", ())]
    for case, unit in result["units"].items():
        value = result["ours"][case]
        if unit.startswith("bytes"):
            flows = result["memory"]["flows"]
            mib = f"{value / (1 << 20):,.0f} MiB {unit[6:]}"
            notes.append(f"{title}, {flows:,} flows at once, a checkpoint in progress: {mib}.")
        elif "/" not in case:
            notes.append(f"{title}, {case.replace('-', ' ')}: {value:,.12g} {unit}.")
        else:
            large, small = case.split("/")
            notes.append(f"{title}: a packet among {large} costs {value:.2f} times one among {small}.")
    if result["name"] == "end-to-end":
        starts = {"Citywall": result["startup"]["ours"], **result["startup"]["peers"]}
        told = [f"{name} {min(s['wall'] for s in cases.values()):.1f} s" for name, cases in starts.items()]
        notes.append(f"{title}, start-up and end apart from the packets: {', '.join(told)}.")
    notes += [f"{title}: {peer} was absent." for peer in result["absent"]]
    return notes


def _machine(results: Mapping[str, Result]) -> str:
    first = next(iter(results.values()))
    facts = first["machine"]
    versions = {k: v for r in results.values() for k, v in r.get("versions", {}).items()}
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if name != "citywall")
    return (
        f"CPU time a packet, least of {first['repeats']} interleaved runs on one core of {facts['cpu']} "
        f"({facts['memory'] / (1 << 30):.0f} GiB, Linux {facts['kernel']}, Python {facts['python']}, "
        f"Numba {facts['numba']}; {told}); generated capture, 30 % IPv6. `make bench` measures anew."
    )
