"""Kafka and Elasticsearch for tests and measurements: real servers on loopback, started and killed at will.

`make services` runs both until Ctrl-C. From Python::

    from bench.services.kafka import Kafka

    with Kafka(folder) as kafka:            # started, and healthy
        kafka.url                           # kafka://127.0.0.1:PORT
        kafka.kill()                        # SIGKILL, as a power cut would
        kafka.restart()                     # same port, same data, healthy again

Nothing has to be installed but Java and Maven: the artefacts come from Maven Central once for a user and are
kept in the cache folder. A server ends with the process that started it, however that one ends.
"""
