from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser
from ingest.applications.tables import KIND, KINDS, PROTOCOL


def told_in_pieces(rows, buffer, size):
    """Tables of each piece, the last one that of the end."""
    analyser = Analyser(ApplicationSettings(), growing=True)
    for at in range(0, len(rows), size):
        analyser.add(rows[at : at + size], 1 + at, buffer)
        yield analyser.tables()
    analyser.end()
    yield analyser.tables()


def web(packets):
    turns = [
        (0, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        (1, b"ok"),
    ]
    return packets.decoded(packets.conversation(turns, (4000, 80)))


def test_a_transaction_is_told_as_it_grows_and_over_once(packets):
    rows, buffer = web(packets)
    over, seen, known = 0, set(), 0
    for made in told_in_pieces(rows, buffer, 1):
        assert made.flows["number"].tolist() in ([], [0])
        assert len(made.transactions) <= 1
        over += int(made.transactions["over"].sum())
        if len(made.transactions):
            kinds = {KINDS[kind] for kind in made.buffers["kind"]}
            assert seen <= kinds  # all that it has so far, each time
            assert len(kinds) >= known
            seen, known = kinds, len(kinds)
    assert over == 1
    assert {"http.uri", "http.response_body"} <= seen


def test_pieces_say_what_the_whole_says(packets):
    rows, buffer = web(packets)
    (first, last) = told_in_pieces(rows, buffer, len(rows))
    whole = [made for made in (first, last) if len(made.transactions)][-1]
    pieces = [made for made in told_in_pieces(rows, buffer, 2) if len(made.transactions)][-1]
    assert list(whole.describe()) == list(pieces.describe())
    assert whole.buffers["frame"].tolist() == pieces.buffers["frame"].tolist()
    assert KIND["http.uri"] in whole.buffers["kind"]


def test_a_flow_says_when_it_is_over_and_is_forgotten(packets):
    rows, buffer = web(packets)
    *going, end = told_in_pieces(rows, buffer, 3)
    assert all((made.flows["ended"] == 0).all() for made in going)
    assert end.flows["ended"].tolist() == [-1]
    assert end.flows["protocol"].tolist() == [PROTOCOL["http"]]
