"""The `citywall run` command over Kafka, packets by reference, beside itself on the embedded log."""

from __future__ import annotations

import uuid

from bench import process
from bench.captures import Capture
from bench.ours.end_to_end import OurRun, run_command

EMBEDDED = "embedded log"


class OverKafka(OurRun):
    """Through topics of its own on the cluster at `url`."""

    does = "citywall run FILE --set transport=kafka://…, blocks by reference, whole process"

    def __init__(self, url: str) -> None:
        self._url = url

    def settings(self) -> tuple[str, ...]:
        """What `--set` is given to run there, with a prefix of its own."""
        return f"transport={self._url}", f"kafka.prefix=b{uuid.uuid4().hex[:10]}"

    def usage(self, capture: Capture) -> process.Usage:
        """Run the command once."""
        return run_command(capture, *self.settings())


class Embedded(OurRun):
    """The default: a log in the data folder."""

    name = EMBEDDED
    does = "citywall run FILE, the embedded log"
