"""`citywall sensor` sending a capture with its bytes into a run that works it meanwhile."""

from __future__ import annotations

import sys
import tempfile
import uuid
from pathlib import Path

from bench import process
from bench.captures import Capture
from bench.chaos.programs import Program
from bench.errors import BenchError
from bench.ours.end_to_end import PROGRAM, OurRun
from bench.subjects import OURS

SENSOR = "bench"
#: Seconds a run may take to end after all was taken.
END_S = 300.0


class Inline(OurRun):
    """The sensor is measured: it ends when every block was taken, decoded and metered by the run."""

    name = OURS
    does = "citywall sensor: blocks of 1 MiB by Kafka into a citywall run that detects, stores and archives"

    def __init__(self, url: str) -> None:
        self._url = url

    def usage(self, capture: Capture) -> process.Usage:
        """Send once, to a run of its own."""
        settings = [f"kafka.prefix=i{uuid.uuid4().hex[:10]}", "kafka.patience_s=60"]
        options = [part for setting in settings for part in ("--set", setting)]
        sensor = ["sensor", "--capture", str(capture.path), "--to", self._url, "--name", SENSOR, "--json"]
        with tempfile.TemporaryDirectory(dir=capture.path.parent) as folder:
            run = Program(
                Path(folder),
                ["run", f"sensor:{SENSOR}", "--data", f"{folder}/data", "--json",
                 "--set", f"transport={self._url}", *options],
            )  # fmt: skip
            run.start()
            try:
                usage = process.run([sys.executable, "-c", PROGRAM, *sensor, *options])
                run.finish(END_S)
                told = run.told()
            finally:
                run.kill()
        if told is None or told["packets"] != capture.packets:
            raise BenchError(f"the run took {told and told['packets']} of {capture.packets} packets")
        return usage
