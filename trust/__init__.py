"""Trust: who may do what, and the record of who did.

Accounts and the hash-chained audit log, kept in the data folder. Rooms above take an identity from
:mod:`trust.accounts` and ask :class:`trust.guard.Guard` before they change anything.
"""
