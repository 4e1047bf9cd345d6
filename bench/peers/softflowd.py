"""softflowd: a flow meter in C that exports NetFlow version 9."""

from __future__ import annotations

import re
import socket
import subprocess

from bench import process
from bench.captures import Capture
from bench.subjects import APT, SystemCommand, find_program

#: More than are ever alive: below that, softflowd would break flows up and do other work than ours.
MAX_FLOWS = 1_000_000


class Softflowd(SystemCommand):
    """Meters flows without statistics and exports them to a socket that nobody reads."""

    name = "softflowd"
    does = f"softflowd -r FILE -v 9 -m {MAX_FLOWS} -n to a local socket (counts only, no statistics)"
    obtain = f"{APT} softflowd"
    program = "softflowd"

    def describe(self, path: str) -> str:
        """The version in its help."""
        told = subprocess.run([path, "-h"], capture_output=True, text=True, check=False)
        found = re.search(r"version ([0-9.]+[0-9])", told.stdout + told.stderr)
        return found[1] if found else "unknown"

    def usage(self, capture: Capture) -> process.Usage:
        """Meter the capture once; the exported datagrams are dropped by the system at no cost to anybody."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
            collector.bind(("127.0.0.1", 0))
            port = collector.getsockname()[1]
            path = find_program(self.program) or self.program
            # With a control socket, 1.1.0 may wait on it for ever when it reads from a file.
            return process.run([
                path, "-r", str(capture.path), "-v", "9", "-m", str(MAX_FLOWS), "-n", f"127.0.0.1:{port}",
                "-d", "-c", "none",
            ], discard=True)  # fmt: skip
