"""Certificates that one log tells, joined with the connections that another names them in."""
