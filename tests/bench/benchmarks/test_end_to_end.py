"""The end-to-end benchmark: what it adds to the comparison."""

from __future__ import annotations

import json

from bench.benchmarks import end_to_end
from bench.captures import MILLION_PACKETS
from bench.process import Usage


def test_the_whole_run_is_weighed_against_itself_with_next_to_no_flows(context, compared, monkeypatch):
    def run_command(capture, *settings):
        assert settings == (end_to_end.CHECKPOINT,)
        peak = 900 if "million" in capture.path.name else 200
        return Usage(1, 1, peak, json.dumps({"flows": 7, "packets": capture.packets}))

    monkeypatch.setattr(end_to_end, "compare", compared)
    monkeypatch.setattr(end_to_end, "run_command", run_command)
    result = end_to_end.EndToEnd().run(context)
    assert result["ours"]["memory"] == 700
    assert result["memory"]["packets"] == MILLION_PACKETS
    assert set(result["peers"]) == {"nfstream"}
