"""What exporters say about themselves in options: how they sample, and when their clock began."""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.collectors.records import split_records
from ingest.collectors.templates import Template

#: Samplers of one exporter that are remembered.
MAX_SAMPLERS = 1024
#: The sampler that records without one belong to.
ALL = 0


class Sampling(msgspec.Struct):
    """`rates` by sampler, each packet looked at stands for so many; `begun` is ms since the epoch, or -1."""

    rates: dict[int, int] = {}
    begun: int = -1

    def rate(self, sampler: int) -> int:
        """How many packets one packet of a record stands for."""
        return self.rates.get(sampler, self.rates.get(ALL, 1))

    def read(self, raw: bytes, template: Template) -> bool:
        """Take the records of an options set; True where anything is new."""
        before = (dict(self.rates), self.begun)
        for fields in split_records(raw, template.fields):
            if fields is None:
                break
            self._take(fields)
        return before != (self.rates, self.begun)

    def _take(self, fields: dict[str, Any]) -> None:
        if "systemInitTimeMilliseconds" in fields:
            self.begun = fields["systemInitTimeMilliseconds"]
        if (rate := _rate(fields)) < 1:
            return
        sampler = fields.get("samplerId", fields.get("selectorId", ALL))
        if sampler in self.rates or len(self.rates) < MAX_SAMPLERS:
            self.rates[sampler] = rate
        if len(self.rates) == 1:
            self.rates[ALL] = rate  # the only one is everybody's


def _rate(fields: dict[str, Any]) -> int:
    """The factor that an option tells, 0 where none."""
    for name in ("samplerRandomInterval", "samplingInterval"):
        if fields.get(name):
            return int(fields[name])
    size, population = fields.get("samplingSize", 0), fields.get("samplingPopulation", 0)
    if size and population:
        return int(population // size)
    every, beside = fields.get("samplingPacketInterval", 0), fields.get("samplingPacketSpace", 0)
    if every:
        # A sampler of one in n is told as 1 and n - 1, or by those who mean the period, as n alone.
        return int((every + beside) // every if "samplingPacketSpace" in fields else every)
    return 0
