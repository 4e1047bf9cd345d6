"""Kafka as a transport: several processes share a run, each with the partitions it is given."""
