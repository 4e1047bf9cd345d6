"""Apache Kafka that lets in who it knows: users with passwords over TLS, and clients with certificates."""

from __future__ import annotations

import secrets
from pathlib import Path

from bench.services import certificates
from bench.services.kafka import Kafka
from bench.services.service import LOOPBACK, free_port

USER = "citywall"
_MODULE = "org.apache.kafka.common.security"


class SecuredKafka(Kafka):
    """Kafka with two more listeners: `users_url` (SASL_SSL: PLAIN, SCRAM-SHA-256) and `certified_url` (SSL).

    `certificates` are of an authority of its own, `password` is user `USER`'s, made anew for each. The
    listener without TLS is for its own health.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.certificates = certificates.make(self.folder / "tls")
        self.password = secrets.token_hex(16)
        users, certified = free_port(), free_port()
        self.users_url = f"kafka://{LOOPBACK}:{users}"
        self.certified_url = f"kafka://{LOOPBACK}:{certified}"
        listeners = {
            "PLAINTEXT": self.port, "CONTROLLER": self._second_port, "SASL_SSL": users, "SSL": certified,
        }  # fmt: skip
        addresses = {name: f"{name}://{LOOPBACK}:{port}" for name, port in listeners.items()}
        store = self.certificates.authority.with_name("keystore.pem")
        store.touch(0o600)
        store.write_bytes(self.certificates.key.read_bytes() + self.certificates.server.read_bytes())
        sasl = "listener.name.sasl_ssl"
        known = f'username="{USER}" password="{self.password}" user_{USER}="{self.password}"'
        self.overrides |= {
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(a for name, a in addresses.items() if name != "CONTROLLER"),
            "listener.security.protocol.map": ",".join(
                f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in listeners
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates.authority),
            "listener.name.ssl.ssl.client.auth": "required",
            f"{sasl}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
            f"{sasl}.plain.sasl.jaas.config": f"{_MODULE}.plain.PlainLoginModule required {known};",
            f"{sasl}.scram-sha-256.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required;",
        }

    def _format_options(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-256=[name={USER},password={self.password}]"]
