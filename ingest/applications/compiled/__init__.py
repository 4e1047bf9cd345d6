"""Parsers as kernels: flows, their protocols and messages read by one walk over the pieces of a batch."""
