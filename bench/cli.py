"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import results, table
from bench.captures import Captures
from bench.errors import BenchUsageError
from bench.harness import ALERTS, KILLS, LIMIT_S, OUTAGE_S, Context
from bench.registry import BENCHMARKS
from citywall.errors import CitywallError

STANDARD = (2_000_000, 20_000_000)
LEAST_PACKETS = 1_000
DESCRIPTION = """\
Measures Citywall beside its peers on the same generated capture, in one run, on one core.
`python -m bench table [--check]` writes (or checks) the README's table from the results kept.
Results of the standard sizes are kept under bench/results; those of other sizes only with --results.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _table(given[1:]) if given[:1] == ["table"] else _bench(given)
    except CitywallError as e:
        print(f"bench: {e}", file=sys.stderr)
        return e.exit_code


def _bench(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    names = options.names or [name for name, benchmark in BENCHMARKS.items() if not benchmark.named]
    if unknown := [name for name in names if name not in BENCHMARKS]:
        known = ", ".join(BENCHMARKS)
        raise BenchUsageError(
            f"no benchmark is called {unknown[0]!r}: there are {known}, and the command table"
        )
    sizes = _sizes(options.packets, options.large)
    folder = options.results
    standard = (options.count, options.kills, options.outage) == (ALERTS, KILLS, OUTAGE_S)
    if folder is None and set(sizes) <= set(STANDARD) and standard:
        folder = results.FOLDER
    captures = Captures(keep=options.keep, seed=options.seed)
    context = Context(
        sizes, options.repeats, captures, lambda line: print(line, file=sys.stderr, flush=True),
        options.count, options.kills, options.seconds, options.outage, options.seed,
    )  # fmt: skip
    failed = False
    signal.signal(signal.SIGTERM, _stop)
    try:
        for name in dict.fromkeys(names):
            result = BENCHMARKS[name]().run(context)
            if folder is not None:
                results.save(result, folder)
            print(json.dumps(result) if options.json else results.readable(result), flush=True)
            if why := result.get("failed"):
                failed = True
                print(f"bench: {name}: {why}", file=sys.stderr)
    finally:
        captures.close()
    return int(failed)


def _stop(number: int, _: object) -> None:
    """A termination ends the run as an interrupt does: the child is stopped, the captures are deleted."""
    raise SystemExit(128 + number)


def _sizes(packets: str | None, large: bool) -> tuple[int, ...]:
    if packets is not None and large:
        raise BenchUsageError("--packets and --large contradict each other")
    if packets is None:
        return STANDARD if large else STANDARD[:1]
    try:
        sizes = tuple(sorted({int(text) for text in packets.split(",")}))
    except ValueError:
        sizes = (0,)
    if sizes[0] < LEAST_PACKETS:
        raise BenchUsageError(
            f"--packets {packets}: give numbers of at least {LEAST_PACKETS}, commas between"
        )
    return sizes


def _table(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench table", description="Write the README's table.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the table is stale")
    parser.add_argument("--readme", type=Path, default=table.README, help="the file with the markers")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder of the results kept")
    options = parser.parse_args(arguments)
    text = table.render(results.load(BENCHMARKS, options.results))
    if not options.check:
        table.update(options.readme, text)
        return 0
    if table.is_current(options.readme, text):
        return 0
    print(f"bench: the table in {options.readme} is stale: python -m bench table", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)} (default all but chaos)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark on standard output")
    parser.add_argument("--packets", metavar="N[,N]", help="sizes of the captures (default 2000000)")
    parser.add_argument("--large", action="store_true", help="2 and 20 million packets (9 GB of disk)")
    parser.add_argument("--count", type=_positive, default=ALERTS, help=f"alerts to index (default {ALERTS})")
    parser.add_argument("--repeats", type=_positive, default=3, metavar="K", help="runs of each (default 3)")
    parser.add_argument("--seed", type=int, default=1, help="seed of captures and of chaos (default 1)")
    parser.add_argument(
        "--kills", type=_positive, default=KILLS, help=f"chaos, story: kills (default {KILLS}, 20)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=LIMIT_S,
        metavar="S",
        help=f"chaos: bound on it (default {LIMIT_S:.0f})",
    )
    parser.add_argument(
        "--outage", type=float, default=OUTAGE_S, metavar="S",
        help=f"chaos: how long Elasticsearch, then Kafka is away, 0 for not at all (default {OUTAGE_S:.0f})",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep the generated captures for the next run")
    parser.add_argument("--results", type=Path, metavar="DIR", help="keep results there, whatever the sizes")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
