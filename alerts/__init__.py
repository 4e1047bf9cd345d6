"""Alerts: from findings to ECS documents, kept, searched and forgotten; and the archive of flows.

:mod:`alerts.correlate` joins findings into alerts, :mod:`alerts.ecs` writes them as documents,
:mod:`alerts.store` says what an alert store is and opens one, :mod:`alerts.query` is the language of
`--where`, :mod:`alerts.archive` keeps closed flows.
"""
