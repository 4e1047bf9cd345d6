from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_protected_prefixes_must_be_prefixes() -> None:
    good = load(environment={}, assignments=["playbooks.protected=10.0.0.0/8,2001:db8::/32"])
    assert good.playbooks.protected == ("10.0.0.0/8", "2001:db8::/32")
    with pytest.raises(SettingsError, match=r"playbooks\.protected"):
        load(environment={}, assignments=["playbooks.protected=10.0.0.1/8,10.0.0.0/8"])


@pytest.mark.parametrize(
    "text", ["playbooks.syslog=host:1", "playbooks.mail.security=maybe", "playbooks.approvals=0"]
)
def test_limits(text: str) -> None:
    with pytest.raises(SettingsError):
        load(environment={}, assignments=[text])
