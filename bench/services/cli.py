"""`python -m bench.services`: the servers from a shell."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError, ServiceFailed
from bench.services import elasticsearch, kafka, state
from bench.services.service import LOOPBACK, Service
from citywall.errors import CitywallError

FOLDER = Path("build") / "services"
KINDS: dict[str, type[Service]] = {"kafka": kafka.Kafka, "elasticsearch": elasticsearch.Elasticsearch}
USUAL_PORTS = {"kafka": 9092, "elasticsearch": 9200}
WATCH_S = 1.0
DESCRIPTION = """\
Kafka and Elasticsearch on loopback, for tests and measurements.

  run     start both, wait for health, print their URLs, stop them on Ctrl-C
  start   likewise, but leave them running:  eval "$(python -m bench.services start)"
  stop    stop what run or start started
  status  print the URLs of what runs; exit code 1 if nothing does
  fetch   only fetch the programs
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _do(options)
    except CitywallError as e:
        print(f"bench: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        return 130


def _do(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    names: list[str] = options.only or list(KINDS)
    match options.action:
        case "run":
            return _run(folder, names)
        case "start":
            _start(folder, names, detached=True)
        case "stop":
            stopped = state.stop_all(folder)
            print(f"stopped {', '.join(stopped)}" if stopped else "nothing runs", file=sys.stderr)
        case "status":
            entries = state.running(folder)
            _print_urls(entries)
            return 0 if entries else 1
        case "fetch":
            for program in (kafka.PROGRAM, elasticsearch.PROGRAM):
                print(program.obtain())
    return 0


def _run(folder: Path, names: list[str]) -> int:
    services = _start(folder, names, detached=False)
    print("Ctrl-C stops them", file=sys.stderr)
    try:
        while all(service.running for service in services):
            time.sleep(WATCH_S)
        if state.running(folder):  # not by a stop from elsewhere, which ends all
            dead = next(service for service in services if not service.running)
            raise ServiceFailed(f"{dead.name} ended by itself:\n{dead.tail()}")
    finally:
        for service in services:
            service.stop()
        state.stop_all(folder)
    return 0


def _start(folder: Path, names: list[str], *, detached: bool) -> list[Service]:
    if state.running(folder):
        raise BenchError(f"servers run already in {folder}: python -m bench.services stop")
    folder.mkdir(parents=True, exist_ok=True)
    services = [KINDS[name](folder / name, port=_usual_port(name), detached=detached) for name in names]
    try:
        for service in services:
            service.start()
        state.record(folder, services)
        for service in services:
            seconds = service.wait_healthy()
            print(f"{service.name} is healthy after {seconds:.0f} s, log {service.log}", file=sys.stderr)
    except BaseException:
        for service in services:
            service.kill()
        state.stop_all(folder)
        raise
    _print_urls(services)
    return services


def _print_urls(entries: Sequence[Service | state.Running]) -> None:
    for entry in entries:
        print(f"export CITYWALL_{entry.name.upper()}_URL={entry.url}", flush=True)


def _usual_port(name: str) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, USUAL_PORTS[name]))
        except OSError:
            return None
    return USUAL_PORTS[name]


def _stop(number: int, _: object) -> None:
    """A termination ends the command as an interrupt does: what it started is stopped."""
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.services",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=("run", "start", "stop", "status", "fetch"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where data is kept (default {FOLDER})")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="only that one")
    return parser
