"""Evidence queries: one file each, one line in :mod:`reports.queries.registry`."""
