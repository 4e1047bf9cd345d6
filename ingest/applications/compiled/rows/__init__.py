"""Transactions, buffers, numbers and oddities as rows."""
