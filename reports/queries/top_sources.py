"""The sources that alerts of the day name most."""

from reports.figures import Figure, Query
from reports.inputs import Inputs
from reports.queries.shared import foremost


def answer(inputs: Inputs) -> Figure:
    """Addresses by alerts; alerts with many sources are not shared out."""
    return foremost(inputs, "top_sources", "source", lambda a: a.source)


QUERY = Query("top_sources", "foremost", answer)
