"""Which addresses are portals', and what is expected there."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.addresses import to_words
from citywall.batches import EVENT
from citywall.portals import Portal
from detectors.frontage import Front, Frontage

PORTAL = Portal("www", "门户", ("https://www.city.example.gov.cn/",))


def number(text: str) -> int:
    hi, lo = to_words(text)
    return hi << 64 | lo


def front(first: str, last: str, ports: tuple[int, ...] = (443,), domain: int = 0) -> Front:
    return Front(PORTAL, domain, number(first), number(last), ports)


def sources(*texts: str) -> np.ndarray:
    rows = np.zeros(len(texts), EVENT)
    for row, text in zip(rows, texts, strict=True):
        row["src_hi"], row["src_lo"] = to_words(text)
    return rows


def test_sources_are_found_in_spans_that_overlap() -> None:
    frontage = Frontage(
        [front("10.0.0.5", "10.0.0.9"), front("10.0.0.8", "10.0.0.20", (80,)), front("fd00::5", "fd00::5")]
    )
    rows = sources("10.0.0.4", "10.0.0.5", "10.0.0.20", "10.0.0.21", "fd00::5", "fd00::6")
    assert frontage.sources(rows).tolist() == [False, True, True, False, True, False]
    assert len(frontage.at(*to_words("10.0.0.8"), 0, 443)) == 1
    assert len(frontage.at(*to_words("10.0.0.8"), 0, 80)) == 1
    assert frontage.at(*to_words("10.0.0.8"), 7, 80) == []
    assert not Frontage().sources(rows).any()


@pytest.mark.parametrize(
    ("name", "serves"),
    [
        ("www.city.example.gov.cn", True),
        ("*.city.example.gov.cn", True),
        ("", True),
        ("mail.example.cn", False),
    ],
)
def test_whose_certificate_it_may_be(name: str, serves: bool) -> None:
    assert front("::1", "::1").serves(name) == serves
