"""Detectors over flow and event batches: rows in, findings out; no clock, no I/O, no stream."""
