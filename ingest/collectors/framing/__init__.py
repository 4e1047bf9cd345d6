"""Received datagrams into capture files."""
