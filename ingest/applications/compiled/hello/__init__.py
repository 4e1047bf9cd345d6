"""Hellos of TLS in kernels."""
