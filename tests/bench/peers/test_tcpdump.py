"""tcpdump as a peer."""

from __future__ import annotations

from bench.peers import tcpdump


def test_it_reads_every_packet_where_it_is_present(reads_everything):
    reads_everything(tcpdump.Tcpdump())


def test_where_it_is_absent_it_says_how_to_get_it(nothing_installed):
    assert tcpdump.Tcpdump().version() is None
    assert tcpdump.Tcpdump().obtain.startswith("apt-get install")


def test_its_version_names_libpcap(tmp_path):
    fake = tmp_path / "tcpdump"
    fake.write_text(
        "#!/bin/sh\necho tcpdump version 4.99.3 >&2\necho 'libpcap version 1.10.3'\necho OpenSSL >&2\n",
        "utf-8",
    )
    fake.chmod(0o755)
    assert tcpdump.Tcpdump().describe(str(fake)) == "4.99.3 with libpcap 1.10.3"
