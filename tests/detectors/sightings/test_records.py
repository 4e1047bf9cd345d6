"""The layout of subjects."""

from __future__ import annotations

from citywall import batches as b
from detectors.sightings import kernels, records


def test_counters_fit():
    assert max(records.DENIED, records.UNMISTAKABLES, records.EXPORTS) < records.COUNTERS
    assert records.SUBJECT.isalignedstruct


def test_signs_stand_in_the_order_of_their_bits():
    signs = (b.INJECTION, b.SCRIPTING, b.TRAVERSAL, b.COMMAND, b.WEB_SHELL, b.PROBING, b.SCANNER)
    assert [sign.bit_length() - b.INJECTION.bit_length() for sign in signs] == list(range(7))
    assert records.SCANS - records.INJECTIONS == 6


def test_what_kernels_freeze_is_what_batches_say():
    frozen = {
        "_DNS_QUERY": b.DNS_QUERY, "_DNS_ANSWER": b.DNS_ANSWER, "_TLS_SERVER": b.TLS_SERVER,
        "_HTTP_REQUEST": b.HTTP_REQUEST, "_HTTP_RESPONSE": b.HTTP_RESPONSE, "_LOGIN_NAME": b.LOGIN_NAME,
        "_LOGIN_RESULT": b.LOGIN_RESULT, "_PERSONAL_DATA": b.PERSONAL_DATA,
        "_ACCOUNT_LOGIN": b.ACCOUNT_LOGIN, "_DATA_ACCESS": b.DATA_ACCESS, "_CLEAR": b.CLEAR_PASSWORD,
        "_FORM": b.LOGIN_FORM, "_UNMISTAKABLE": b.UNMISTAKABLE, "_PORTAL_DRIFT": b.PORTAL_DRIFT,
        "_TLS_CERTIFICATE": b.TLS_CERTIFICATE,
    }  # fmt: skip
    assert {name: getattr(kernels, name) for name in frozen} == frozen
