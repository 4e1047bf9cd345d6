"""Flow records of one direction, joined with those of the other."""

from ingest.collectors.pairing.pairing import Pairing, logged

__all__ = ["Pairing", "logged"]
