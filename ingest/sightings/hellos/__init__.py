"""Fingerprints of TLS hellos: JA3, JA3S and JA4, where a hello stands whole in what is read."""
