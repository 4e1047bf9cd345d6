"""The flow meter: packet rows in; reports about live flows and statistics of closed ones out."""

from ingest.meter.meter import FlowMeter

__all__ = ["FlowMeter"]
