from __future__ import annotations

import pytest

from rules.sigma import fields


@pytest.mark.parametrize(
    ("logs", "names"),
    [
        (("dns", None, None), ["names asked for", "names answered"]),
        (("proxy", None, None), ["web requests"]),
        (("firewall", "cisco", None), ["connections"]),
        ((None, "zeek", "ssl"), ["TLS greetings"]),
        (("network_connection", "windows", None), ["connections"]),
    ],
)
def test_log_sources(logs: tuple[str | None, str | None, str | None], names: list[str]):
    assert [source.name for source in fields.sources(*logs)] == names


@pytest.mark.parametrize(
    "logs", [(None, None, None), ("process_creation", "windows", None), (None, "zeek", "smb_files")]
)
def test_what_is_nothing_here(logs: tuple[str | None, str | None, str | None]):
    with pytest.raises(ValueError):
        fields.sources(*logs)
