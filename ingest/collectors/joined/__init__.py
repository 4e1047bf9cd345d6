"""From records to the columns of flows of both directions, in one go."""

from ingest.collectors.joined.joined import Joined

__all__ = ["Joined"]
