"""What applications say, packet by packet: requests, answers, greetings and log-ins become EVENT rows."""

from ingest.sightings.reading import sightings

__all__ = ["sightings"]
