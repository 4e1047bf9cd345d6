"""Packets as columns, compiled: where their headers are, numbers in them, what a flow's packets add up to."""
