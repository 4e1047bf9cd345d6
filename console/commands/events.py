"""`citywall events`: what applications said, from the archive, newest first."""

from __future__ import annotations

from console import archived


def _events() -> archived.Kind:
    from alerts.eventarchive import EventArchive
    from alerts.eventfilter import EVENTS
    from console.eventdocument import event_document
    from console.listing import event_columns, event_row

    return archived.Kind(
        EventArchive, lambda page: page.events, EVENTS, event_document, event_columns, event_row
    )


command = archived.command_of("events", _events)
