"""Signatures where there are no packets: what of them flow logs can answer."""
