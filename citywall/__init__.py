"""The shared vocabulary of Citywall: batches, findings, errors, settings, event time, domains, translations.

Every room imports this package; it imports none of them.
"""

__version__ = "0.1.0"
