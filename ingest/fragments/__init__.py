"""Fragments of IP datagrams: put together, and counted to the flow they belong to."""
