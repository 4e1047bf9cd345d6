"""The `citywall run` command as a user types it, into a new data folder."""

from __future__ import annotations

import sys
import tempfile

from bench import process
from bench.captures import Capture
from bench.subjects import OURS, Command
from citywall import __version__

PROGRAM = "import sys; from console.cli import main; sys.exit(main())"


class OurRun(Command):
    """Decode, meter, detect, correlate, store, archive, through the Faust worker."""

    name = OURS
    does = "citywall run FILE --data NEW --json, whole process, no signatures"
    obtain = "pip install ."

    def version(self) -> str | None:
        """Our version."""
        return __version__

    def usage(self, capture: Capture) -> process.Usage:
        """Run the command once."""
        return run_command(capture)


def run_command(capture: Capture, *settings: str) -> process.Usage:
    """`citywall run` over a capture into a data folder of its own; `settings` are texts for `--set`."""
    with tempfile.TemporaryDirectory(dir=capture.path.parent) as data:
        arguments = ["run", str(capture.path), "--data", data, "--json"]
        for setting in settings:
            arguments += ["--set", setting]
        return process.run([sys.executable, "-c", PROGRAM, *arguments])
