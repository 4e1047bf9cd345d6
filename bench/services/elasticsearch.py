"""Elasticsearch: one node, without the paid parts (its integration-test distribution)."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Mapping

from bench.services.account import other_than_root
from bench.services.artefacts import Coordinate, Program
from bench.services.java import find_java
from bench.services.service import LOOPBACK, Service

VERSION = "9.2.0"
#: Of the archive. Some mirrors serve it without a checksum of its own.
SHA256 = "bf44938a0490ba2a303d39c9cb64b38963dd08c812ce93e10816e878585bcb6b"
PROGRAM = Program(
    f"elasticsearch-{VERSION}",
    (
        Coordinate(
            "org.elasticsearch.distribution.integ-test-zip", "elasticsearch", VERSION, "zip", sha256=SHA256
        ),
    ),
)
JAVA = 21
PROBE_S = 5.0

#: A full disk is not to make indices read-only: tests fill disks on purpose, and developers' disks are full.
SETTINGS = {
    "cluster.name": "citywall",
    "node.name": "node-1",
    "discovery.type": "single-node",
    "network.host": LOOPBACK,
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    "action.destructive_requires_name": "true",
    "xpack.security.enabled": "false",
}


class Elasticsearch(Service):
    """Elasticsearch without security on loopback.

    Run by root, its processes are an account's without rights, and `folder` becomes that account's.
    """

    name = "elasticsearch"
    scheme = "http"
    least_heap_mib = 512

    def healthy(self) -> bool:
        """Whether every primary shard is there: then searches and writes are answered."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PROBE_S)
        try:
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            reply = connection.getresponse()
            return reply.status == 200 and json.load(reply)["status"] in {"yellow", "green"}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _prepare(self) -> tuple[list[str], Mapping[str, str]]:
        program = PROGRAM.obtain() / PROGRAM.folder
        java = find_java(JAVA)
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        for name in ("jvm.options", "log4j2.properties"):
            shutil.copyfile(program / "config" / name, config / name)
        (config / "jvm.options.d").mkdir(exist_ok=True)
        options = [f"-Xms{self.heap_mib}m", f"-Xmx{self.heap_mib}m", *self._compiler]
        (config / "jvm.options.d" / "citywall.options").write_text("\n".join(options) + "\n", "ascii")
        (config / "elasticsearch.yml").write_text(self._yaml(), "utf-8")
        for name in ("data", "logs", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        command = [str(program / "bin" / "elasticsearch")]
        account = other_than_root()
        if account is not None:
            account.own(self.folder)
            command = account.command(command)
        environment = {
            "ES_JAVA_HOME": str(java),
            "ES_PATH_CONF": str(config),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "CLI_JAVA_OPTS": "-Xmx32m -XX:TieredStopAtLevel=1",
            "HOME": str(self.folder),
        }
        return command, environment

    def _yaml(self) -> str:
        values = {
            **SETTINGS,
            "http.port": str(self.port),
            "transport.port": str(self._second_port),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            **self.overrides,
        }
        return "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())
