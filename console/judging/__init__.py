"""Judging alerts against captures whose contents are known."""
