"""Kerberos as a kernel."""
