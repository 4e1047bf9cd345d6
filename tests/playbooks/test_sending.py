"""Mail itself is tried in actions/test_mail.py, on a server."""

from __future__ import annotations

import pytest

from playbooks.actions.base import Failed
from playbooks.sending import address, message_id


def test_addresses_and_ids() -> None:
    assert address(" li@example.gov.cn ") == "li@example.gov.cn"
    assert message_id("k", "citywall@example.gov.cn") == "<k@example.gov.cn>"
    with pytest.raises(Failed):
        address("Li <li@example.gov.cn>")
