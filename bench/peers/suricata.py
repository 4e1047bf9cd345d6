"""Suricata on the same capture with the same rules: one thread, alerts alone, every parser on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import process
from bench.errors import BenchError
from rules.language.addresses import ADDRESS_VARIABLES, PORT_VARIABLES

OBTAIN = "apt-get install -t bookworm-backports suricata"


def version() -> str | None:
    """Its version, None where it is not installed."""
    if shutil.which("suricata") is None:
        return None
    told = subprocess.run(["suricata", "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+\.\d+[\w.]*)", told.stdout)
    return found.group(1) if found else "unknown"


def report(capture: str, warm: str, rules: str) -> dict[str, Any]:
    """CPU seconds for a capture, after loading: those of a small capture are taken off, packets, too.

    `rules` empty: none. Checksums are not looked at, as in ours.
    """
    with TemporaryDirectory(prefix="citywall-bench-") as folder:
        small, large = (_run(path, rules, Path(folder)) for path in (warm, capture))
    return {
        "packets": large["packets"] - small["packets"],
        "cpu": large["cpu"] - small["cpu"],
        "loading": small["cpu"],
        "alerts": large["alerts"],
    }


def _run(capture: str, rules: str, folder: Path) -> dict[str, Any]:
    settings, log = folder / "suricata.yaml", folder / "eve.json"
    settings.write_text(_settings(), "utf-8")
    log.unlink(missing_ok=True)
    argv = [
        "suricata", "-c", str(settings), "-S", rules or "/dev/null", "-k", "none", "-r", capture,
        "-l", str(folder), "--runmode", "single",
    ]  # fmt: skip
    told = process.run(argv)
    found = re.search(r"read \d+ files?, (\d+) packets", told.output)
    if found is None:
        raise BenchError(f"suricata does not tell how many packets it read: {told.output[-200:]!r}")
    with log.open("rb") as lines:
        alerts = sum(json.loads(line)["event_type"] == "alert" for line in lines)
    return {"packets": int(found.group(1)), "cpu": told.cpu, "alerts": alerts}


def _settings() -> str:
    """Its configuration: variables of rules, and a log of alerts; what is not said is as it ships."""
    groups = {"address-groups": ADDRESS_VARIABLES, "port-groups": PORT_VARIABLES}
    lines = ["%YAML 1.1", "---", "vars:"]
    for name, variables in groups.items():
        lines += [f"  {name}:", *(f'    {key}: "{value}"' for key, value in variables.items())]
    lines += [
        "outputs:",
        "  - eve-log:",
        "      enabled: yes",
        "      filetype: regular",
        "      filename: eve.json",
        "      types: [alert]",
    ]
    return "\n".join(lines) + "\n"
