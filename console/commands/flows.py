"""`citywall flows`: closed flows of the archive, newest first."""

from __future__ import annotations

from console import archived


def _flows() -> archived.Kind:
    from alerts.archive import FlowArchive
    from alerts.query import FLOWS
    from console.flowdocument import flow_document
    from console.listing import flow_columns, flow_row

    return archived.Kind(FlowArchive, lambda page: page.flows, FLOWS, flow_document, flow_columns, flow_row)


command = archived.command_of("flows", _flows)
