"""softflowd as a peer."""

from __future__ import annotations

from bench.peers import softflowd


def test_it_reads_every_packet_where_it_is_present(reads_everything):
    reads_everything(softflowd.Softflowd())


def test_where_it_is_absent_it_says_how_to_get_it(nothing_installed):
    assert softflowd.Softflowd().version() is None
    assert softflowd.Softflowd().obtain.startswith("apt-get install")


def test_its_version_stands_in_its_help(tmp_path):
    fake = tmp_path / "softflowd"
    fake.write_text("#!/bin/sh\necho This is softflowd version 1.1.0. Valid options: >&2\nexit 1\n", "utf-8")
    fake.chmod(0o755)
    assert softflowd.Softflowd().describe(str(fake)) == "1.1.0"
    fake.write_text("#!/bin/sh\n", "utf-8")
    assert softflowd.Softflowd().describe(str(fake)) == "unknown"
