"""The views: one file each, one line in :mod:`console.app.registry`."""
