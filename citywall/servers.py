"""`[kafka]` and `[elasticsearch]`: how these servers are spoken to, part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[kafka]`: how a cluster is used, where `transport` names one.

    The password is never a setting: it is read from `password_file`, or from the environment variable
    CITYWALL_KAFKA_PASSWORD.
    """

    prefix: Annotated[
        str, Meta(pattern="^[A-Za-z0-9._-]{1,60}$", description="What the names of all topics begin with.")
    ] = "citywall"
    replication: Annotated[int, Meta(ge=1, le=9, description="Copies kept of each topic.")] = 1
    retention_hours: Annotated[
        int, Meta(ge=1, le=87600, description="Hours that messages of a run are kept at most.")
    ] = 168
    message_bytes: Annotated[
        int, Meta(ge=16 << 20, le=1 << 30, description="Largest message, set on each topic we make.")
    ] = 32 << 20
    request_bytes: Annotated[
        int, Meta(ge=2 << 20, le=1 << 30, description="Largest request a producer sends.")
    ] = 33 << 20
    fetch_bytes: Annotated[
        int, Meta(ge=2 << 20, le=1 << 30, description="Bytes fetched from one partition at a time.")
    ] = 33 << 20
    session_timeout_s: Annotated[
        float, Meta(ge=1, le=300, description="Seconds of silence after which a worker counts as dead.")
    ] = 10.0
    heartbeat_s: Annotated[
        float, Meta(ge=0.1, le=100, description="Seconds between two signs of life of a worker.")
    ] = 3.0
    rebalance_timeout_s: Annotated[
        float, Meta(ge=5, le=3600, description="Seconds a worker has to save and hand over its partitions.")
    ] = 120.0
    patience_s: Annotated[
        float,
        Meta(ge=0, le=86400, description="Seconds to wait at start or stop for a cluster that is away."),
    ] = 60.0
    answer_s: Annotated[
        float, Meta(ge=1, le=600, description="Seconds a broker gets to answer before it is asked again.")
    ] = 30.0
    stuck_s: Annotated[
        float, Meta(ge=1, le=86400, description="Seconds without progress before a consumer is restarted.")
    ] = 120.0
    tls: Annotated[bool, Meta(description="Speak TLS; true wherever `ca` is given.")] = False
    ca: Annotated[str, Meta(description="File of the authorities that may sign the brokers.")] = ""
    certificate: Annotated[str, Meta(description="File of our own certificate.")] = ""
    key: Annotated[str, Meta(description="File of the key of our certificate.")] = ""
    mechanism: Annotated[
        str,
        Meta(pattern="^(|PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", description="SASL mechanism; empty for none."),
    ] = ""
    user: Annotated[str, Meta(description="SASL user.")] = ""
    password_file: Annotated[str, Meta(description="File whose first line is the SASL password.")] = ""


class ElasticsearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[elasticsearch]`: how a store of http:// or https:// is spoken to.

    The API key itself is no setting, so that no listing, log or digest can hold it: it is read from the
    environment (`CITYWALL_ELASTICSEARCH_API_KEY`) or from `api_key_file`.
    """

    index_prefix: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$", description="What the names of indices begin with.")
    ] = "citywall"
    ca_file: Annotated[
        str, Meta(description="Certificates (PEM) that the server's must be signed by; empty: the system's.")
    ] = ""
    api_key_file: Annotated[
        str,
        Meta(description="File with the API key; the environment's CITYWALL_ELASTICSEARCH_API_KEY wins."),
    ] = ""
    shards: Annotated[int, Meta(ge=1, le=64, description="Primary shards of a day's index.")] = 1
    replicas: Annotated[
        int, Meta(ge=0, le=8, description="Copies of each shard, as far as there are nodes for them.")
    ] = 1
    request_timeout_s: Annotated[
        float, Meta(gt=0, le=3600, description="Seconds after which a request is given up.")
    ] = 30.0
    bulk_bytes: Annotated[
        int, Meta(ge=1024, le=64 << 20, description="Most bytes of documents in one bulk request.")
    ] = 2 << 20
