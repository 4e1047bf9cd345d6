"""tcpdump: what libpcap needs to read a capture, record by record, with nothing decoded."""

from __future__ import annotations

import re
import subprocess

from bench import process
from bench.captures import Capture
from bench.subjects import APT, SystemCommand


class Tcpdump(SystemCommand):
    """Reads with libpcap and writes to /dev/null."""

    name = "tcpdump"
    does = "libpcap read: tcpdump -r FILE -w /dev/null (nothing decoded)"
    obtain = f"{APT} tcpdump"
    program = "tcpdump"

    def describe(self, path: str) -> str:
        """The versions of tcpdump and libpcap."""
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        said = told.stdout + told.stderr
        found = dict(re.findall(r"^(tcpdump|libpcap) version ([0-9.]*[0-9])", said, re.MULTILINE))
        return f"{found.get('tcpdump', 'unknown')} with libpcap {found.get('libpcap', 'unknown')}"

    def usage(self, capture: Capture) -> process.Usage:
        """Read the capture once."""
        return process.run([self.program, "-r", str(capture.path), "-w", "/dev/null"])
