from __future__ import annotations

import pytest

from citywall.permissions import Identity
from trust.account import EARLIER, Account, is_name


def test_identity() -> None:
    account = Account("li", ("approver", "analyst"), "$h", 1, 1)
    assert account.identity("test") == Identity("li", ("analyst", "approver"), via="test")


def test_earlier_passwords_are_kept_a_while() -> None:
    account = Account("li", ("analyst",), "0", 0, 0, must_change=True)
    for n in range(1, 6):
        account = account.with_password(str(n), n, must_change=False)
    assert (account.password, account.password_set, account.must_change) == ("5", 5, False)
    assert account.earlier == ("4", "3", "2")
    assert len(account.earlier) == EARLIER


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("li", True), ("wang.li-2_x", True), ("l", False), ("Li", False), ("2li", False), ("li\n", False),
     ("a" * 33, False), ("李", False), ("", False)],
)  # fmt: skip
def test_names(text: str, is_one: bool) -> None:
    assert is_name(text) == is_one
