from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.applications.smtp_order import MOST_WAITING, Order, size_of
from ingest.applications.tables import ANOMALIES

_MAIL = [("reply", b"220 hi"), ("command", b"EHLO a"), ("reply", b"250 ok"), ("command", b"MAIL FROM:<a@b>")]
_SENT = [*_MAIL, ("reply", b"250 ok"), ("command", b"DATA"), ("reply", b"354 go"), ("early", None)]


def _said(turns):
    order = Order()
    for what, argument in turns:
        if what == "chunk":
            order.chunk_ends(cut=argument[0], waits=argument[1])
        elif argument is None:
            getattr(order, what)()
        else:
            getattr(order, what)(argument)
    return order


@pytest.mark.parametrize(
    ("turns", "events"),
    [
        (_SENT, []),
        ([*_SENT, ("mail_ends", None), ("reply", b"xyz")], []),  # over, and looked at no more
        ([("reply", b"554 no")], []),  # no command that it could belong to
        ([("reply", b"x"), ("command", b"EHLO a")], []),
        ([("command", b"EHLO a"), ("command", b"NOOP")], ["no_server_welcome_message"]),
        ([("reply", b"220 a"), ("command", b"NOOP"), ("reply", b"hello")], ["invalid_reply"]),
        ([("reply", b"220 a"), ("command", b"NOOP"), ("reply", b"299 x")], ["invalid_reply"]),
        (
            [("reply", b"220-a"), ("reply", b"220 a"), ("command", b"EHLO a"), ("reply", b"25")],
            ["invalid_reply"],
        ),
        ([*_MAIL, ("command", b"mail from:<c@d>")], ["duplicate_fields"]),
        ([*_MAIL, ("command", b"HELO a")], ["duplicate_fields"]),
        (
            [
                *_MAIL,
                ("reply", b"250 ok"),
                ("command", b"rset"),
                ("reply", b"250 ok"),
                ("command", b"MAIL FROM:"),
            ],
            [],
        ),
        ([*_SENT[:-2], ("reply", b"503 no")], ["data_command_rejected"]),
        (
            [*_SENT[:-2], ("reply", b"503 no"), ("command", b"DATA")],
            ["data_command_rejected", "unparsable_content"],
        ),
        ([*_SENT[:-2], ("command", b"NOOP")], ["invalid_pipelined_sequence"]),
        ([*_SENT[:-2], ("early", None)], ["invalid_pipelined_sequence"]),
        ([*_MAIL, ("command", b"STARTTLS"), ("command", b"NOOP")], ["invalid_pipelined_sequence"]),
        ([*_MAIL, ("reply", b"250 a"), ("command", b"STARTTLS"), ("reply", b"454 no")], ["tls_rejected"]),
        ([*_MAIL, ("command", b"BDAT 5"), ("chunk", (False, False))], []),
        ([*_MAIL, ("command", b"BDAT 5"), ("chunk", (True, False))], ["bdat_chunk_len_exceeded"]),
        ([*_MAIL, ("command", b"BDAT 5"), ("chunk", (True, True))], []),
        (
            [*_MAIL, ("command", b"BDAT 5"), ("chunk", (True, True)), ("command", b"QUIT")],
            ["bdat_chunk_len_exceeded"],
        ),
        ([*_MAIL, *[("command", b"BDAT 5"), ("chunk", (False, False))] * 2], ["bdat_chunk_len_exceeded"]),
        (
            [*_MAIL, *[("command", b"BDAT 5"), ("chunk", (False, False)), ("command", b"RSET")] * 2],
            [],
        ),
        ([*_MAIL, ("command", b"BDAT x"), ("command", b"MAIL FROM:<c@d>")], []),  # followed no further
    ],
)
def test_what_is_odd_is_told_once_of_a_transaction(turns, events):
    assert _said(turns).events == [f"smtp.{event}" for event in events]


def test_a_server_that_pipelines_gets_mails_at_once():
    greeted = [
        ("reply", b"220 hi"),
        ("command", b"EHLO a"),
        ("reply", b"250-PIPELINING"),
        ("reply", b"250 ok"),
    ]
    assert _said([*greeted, ("command", b"DATA"), ("early", None)]).events == []
    early = [*greeted, ("command", b"DATA"), ("early", None), ("mail_ends", None)]
    assert _said(early).events == ["smtp.invalid_pipelined_sequence"]


def test_a_transaction_lasts_until_its_mail_is_over_and_the_next_may_be_odd_again():
    twice = [("command", b"MAIL FROM:<c@d>")] * 2
    ends = [("reply", b"250 ok"), ("reply", b"250 ok"), ("command", b"DATA"), ("reply", b"354 go")]
    again = [*_MAIL, *twice, *ends[:1], *ends, ("mail_ends", None), *twice]
    assert _said(again).events == ["smtp.duplicate_fields"] * 2


def test_commands_without_replies_are_bounded():
    order = _said([("command", b"NOOP")] * (MOST_WAITING + 5))
    assert order.over
    assert len(order.asked) == MOST_WAITING


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"BDAT 5", 5), (b"bdat   12 LAST", 12), (b"BDAT 5X", 5), (b"BDAT 4294967295", 4294967295),
        (b"BDAT 4294967296", -1), (b"BDAT", -1), (b"BDAT ", -1), (b"BDATA 5", -1), (b"BDAT x", -1),
        (b"BDAT " + b"9" * 5000, -1), (b"BDAT \xb2", -1),
    ],
)  # fmt: skip
def test_the_size_of_a_chunk(line, size):
    assert size_of(line) == size


_LINES = st.one_of(
    st.sampled_from(
        [b"RSET", b"DATA", b"STARTTLS", b"BDAT 3", b"MAIL FROM:", b"250 a", b"354 a", b"220 a", b"250-a"]
    ),
    st.binary(max_size=12),
)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["command", "reply"]), _LINES),
            st.tuples(st.sampled_from(["early", "mail_ends"]), st.none()),
            st.tuples(st.just("chunk"), st.tuples(st.booleans(), st.booleans())),
        ),
        max_size=40,
    )
)
def test_any_order_is_borne(turns):
    order = _said(turns)
    assert order.answered <= len(order.asked) <= len(turns)
    assert {*order.events} <= {*ANOMALIES}
