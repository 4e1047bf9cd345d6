"""Signatures in Suricata's language: parsed, compiled, matched, explained."""
