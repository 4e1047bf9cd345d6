"""The nightly report: evidence queries over facts, verdicts on clauses, and pages of HTML, PDF and JSON.

Facts are read at the edge (:mod:`reports.reading`); from there on everything is a pure function of them, so
that the same facts give the same bytes. It imports everything below the console.
"""
