from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from alerts.desk import Unfit
from alerts.duties import warnings
from alerts.duties.warnings import Warning  # noqa: A004

NOW = 1_800_000_000 * 10**9
DRAFT = Warning("live", "蠕虫", "yellow", "网络攻击", "漏洞利用", "全市", "邮件系统", "较大", "打补丁", NOW)


def refused(code: str, step: Callable[[], Warning]) -> None:
    with pytest.raises(Unfit) as caught:
        step()
    assert caught.value.code == code


def test_raised_lowered_lifted() -> None:
    warning = warnings.checked(DRAFT)
    warning = warnings.recoloured(warning, "chen", NOW + 1, "red", "spreads")
    warning = warnings.recoloured(warning, "chen", NOW + 2, "blue", "contained")
    refused("no_such_colour", lambda: warnings.recoloured(warning, "chen", NOW + 3, "blue", "x"))
    done = warnings.lifted(warning, "chen", NOW + 4, "over")
    assert [s.what for s in done.history] == ["issue", "upgrade", "downgrade", "lift"]
    assert (done.in_force(NOW + 5), warning.in_force(NOW + 5)) == (False, True)
    refused("not_in_force", lambda: warnings.lifted(done, "chen", NOW + 5, "x"))
    refused("bad_text", lambda: warnings.lifted(warning, "chen", NOW + 5, ""))


def test_one_that_ends_by_itself() -> None:
    warning = warnings.checked(msgspec.structs.replace(DRAFT, until=NOW + 9))
    assert (warning.in_force(NOW + 8), warning.in_force(NOW + 9)) == (True, False)


@pytest.mark.parametrize("name", warnings.FIELDS)
def test_every_field_is_needed(name: str) -> None:
    refused("warning_field", lambda: warnings.checked(msgspec.structs.replace(DRAFT, **{name: " "})))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"colour": "green"}, "no_such_colour"),
        ({"title": "x" * 201}, "bad_text"),
        ({"authority": "relayed"}, "relayed_source"),
        ({"source": "省网信办"}, "relayed_source"),
        ({"until": NOW}, "in_the_past"),
    ],
)
def test_what_cannot_be_issued(changes: dict[str, object], code: str) -> None:
    refused(code, lambda: warnings.checked(msgspec.structs.replace(DRAFT, **changes)))


def test_whom_it_concerns() -> None:
    assert DRAFT.concerns("edu")
    assert not msgspec.structs.replace(DRAFT, units=("tax",)).concerns("edu")
    assert (DRAFT.actual, msgspec.structs.replace(DRAFT, lane="drill").actual) == ("Actual", "Exercise")
