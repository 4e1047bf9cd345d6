"""Measures, and the report of an evaluation: with what a fool would have reached beside it."""
