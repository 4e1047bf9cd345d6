"""Certificates in kernels."""
