"""The targets that alerts of the day name most."""

from reports.figures import Figure, Query
from reports.inputs import Inputs
from reports.queries.shared import foremost


def answer(inputs: Inputs) -> Figure:
    """Addresses by alerts; alerts with many targets are not shared out."""
    return foremost(inputs, "top_targets", "target", lambda a: a.target)


QUERY = Query("top_targets", "foremost", answer)
