from __future__ import annotations

import pytest

from tests.rules.keywords.reading import read, refused


def test_dates():
    after = read("tls_cert_notafter:>2015-01;", "tls").fields[0]
    assert (after.name, after.agrees(1420070399), after.agrees(1420070400)) == (
        "tls.cert_notafter",
        False,
        True,
    )
    between = read("tls_cert_notbefore:1998-05-01<>2008-05-01;", "tls").fields[0]
    assert (between.agrees(1_000_000_000), between.agrees(1_300_000_000)) == (True, False)
    assert between.agrees(893_980_800)
    assert between.agrees(1_209_600_000)


def test_digits_are_seconds():
    before = read("tls_cert_notbefore:<2025;", "tls").fields[0]
    assert (before.agrees(2025), before.agrees(2026)) == (True, False)


def test_states():
    state = read("ssl_state:client_hello|server_hello;", "tls").fields[0]
    assert (state.agrees(1), state.agrees(2), state.agrees(4)) == (True, True, False)


@pytest.mark.parametrize(
    "options", ["tls_cert_notafter:soon;", "ssl_state:tired;", "tls_cert_notafter:<1<>2;"]
)
def test_refused(options):
    assert refused(options, "tls")


def test_certificates_within_their_time():
    from types import SimpleNamespace

    import numpy as np

    from rules.match.fields import Numbers

    numbers = Numbers.__new__(Numbers)
    times = np.array([(1_500_000_000 * 10**9,)], [("time", "i8")])
    numbers._scene = SimpleNamespace(tables=SimpleNamespace(transactions=times))
    times_of = {"tls.cert_notbefore": [(1, 5, 1_400_000_000)], "tls.cert_notafter": [(1, 5, 1_450_000_000)]}
    numbers._values = {0: times_of}
    expired, valid = (read(f"{name};", "tls") for name in ("tls_cert_expired", "tls_cert_valid"))
    assert (numbers.met(expired, 0, 1), numbers.met(valid, 0, 1), numbers.met(expired, 0, 0)) == (5, -1, -1)
