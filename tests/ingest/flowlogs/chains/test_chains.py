"""Certificates and connections, joined in whatever order they come, whatever the batches and restarts."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest

from citywall.addresses import to_text
from citywall.batches import TLS_WHOLE_CERTIFICATE
from ingest.flowlogs import registry
from ingest.flowlogs.chains.chains import Chains
from ingest.flowlogs.reader import FlowLogReader
from ingest.flowlogs.said import Said

CONN = {"ts": 1.0, "id.orig_h": "10.1.0.9", "id.orig_p": 1, "id.resp_h": "10.2.0.3", "id.resp_p": 443,
        "proto": "tcp", "conn_state": "SF"}  # fmt: skip
OLD = {"cert_chain_fuids": ["FaA", "FaB"], "client_cert_chain_fuids": ["FaC"]}
NEW = {"cert_chain_fps": ["aa" * 32, "bb" * 32], "client_cert_chain_fps": ["cc" * 32]}


def session(ts: float, client: str, names: dict, port: int = 40000) -> dict:
    return {"ts": ts, "id.orig_h": client, "id.orig_p": port, "id.resp_h": "10.2.0.3", "id.resp_p": 443,
            "version": "TLSv12", "cipher": "c", "server_name": "n"} | names  # fmt: skip


def certificate(ts: float, serial: str, **names: object) -> dict:
    return {"ts": ts, "certificate.serial": serial, "certificate.subject": f"CN={serial}",
            "certificate.issuer": "CN=x", "certificate.key_type": "rsa", "certificate.key_length": 2048,
            "san.dns": [f"{serial}.example.org", "b.example.org"]} | names  # fmt: skip


def columns(kind: str, rows: list[dict]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["#separator \\x09", "#set_separator\t,", "#unset_field\t-", f"#path\t{kind}"]
    lines.append("#fields\t" + "\t".join(names))
    for row in rows:
        values = [row.get(name, "-") for name in names]
        lines.append("\t".join(",".join(v) if isinstance(v, list) else str(v) for v in values))
    return "\n".join(lines) + "\n"


def write(folder: Path, logs: dict[str, list[dict]], form: str = "json") -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in logs.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if form == "columns":
            text = columns(name.split(".")[0], rows)
        (folder / f"{name}.log").write_text(text)
    return folder


def told(path: Path, chunk: int = 1 << 20, restart: int = -1) -> tuple[list[tuple], dict[str, int]]:
    """What is told of certificates: who showed it to whom, place, time, serial; and the notes of it."""
    parser = registry.sniff(path)
    assert parser is not None
    reader, events = FlowLogReader(lateness=0), []
    for i, ref in enumerate(registry.chunks(path, parser, chunk)):
        if i == restart:
            saved = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in reader.snapshot().items()}
            reader = FlowLogReader(lateness=0)
            reader.restore(saved)
        events.append(reader.add(ref).events)
    events.append(reader.finish().events)
    rows = np.concatenate(events)
    rows = rows[rows["kind"] == TLS_WHOLE_CERTIFICATE]
    found = []
    for row in rows:
        src, dst = (to_text(int(row[f"{s}_hi"]), int(row[f"{s}_lo"])) for s in ("src", "dst"))
        begins = int(row["name_size"]) + int(row["rest_size"])
        agent = bytes(row["text"])[begins : begins + int(row["agent_size"])]
        found.append((src, int(row["src_port"]), dst, int(row["dst_port"]), int(row["count"]),
                      agent[104:144].decode().strip(), int(row["code"])))  # fmt: skip
    notes = {name: n for name, n in reader.notes.items() if name.startswith("certificates_")}
    return found, notes


SERVER, CLIENT = ("10.2.0.3", 443), ("10.1.0.9", 40000)
EXPECTED = [(*SERVER, *CLIENT, 0, "0a", 0x0303), (*SERVER, *CLIENT, 1, "0b", 0x0303),
            (*CLIENT, *SERVER, 0, "0c", 0x0303)]  # fmt: skip


@pytest.mark.parametrize("form", ["json", "columns"])
@pytest.mark.parametrize("order", [("ssl.1", "x509"), ("x509", "ssl.1"), ("ssl.1", "x509.9")])
@pytest.mark.parametrize("names", [OLD, NEW])
def test_certificates_are_those_of_a_connection(tmp_path, form, order, names):
    keys = [key for chain in names.values() for key in chain]
    by = "id" if names is OLD else "fingerprint"
    shown = [certificate(5.1, f"0{c}", **{by: key}) for c, key in zip("abc", keys, strict=True)]
    logs = {"conn": [CONN], order[0]: shown, order[1]: shown}
    logs |= {name: [session(5.0, "10.1.0.9", names)] for name in order if name.startswith("ssl")}
    found, notes = told(write(tmp_path / "logs", logs, form))
    assert sorted(found) == sorted(EXPECTED)
    assert notes == {"certificates_joined": 3}


def test_either_log_may_come_first(tmp_path, monkeypatch):
    logs = {
        "ssl": [session(5.0, "10.1.0.9", NEW), session(7.0, "10.1.0.8", NEW)],
        "x509": [certificate(5.1, "0a", fingerprint="aa" * 32), certificate(5.1, "0d", fingerprint="d")],
    }
    folder = write(tmp_path / "logs", logs)
    first, notes = told(folder)
    monkeypatch.setattr("ingest.flowlogs.files._turn", lambda file: file.name)  # ssl before x509
    second, again = told(folder)
    assert sorted(first) == sorted(second)
    assert notes == again == {"certificates_joined": 2, "certificates_alone": 1, "certificates_missing": 4}
    assert ("::", 0, "::", 0, 0, "0d", 0) in first


def test_a_certificate_is_told_at_the_later_of_both_times(tmp_path):
    for ssl, x509, expected in ((5.0, 5.2, 5.2), (9.0, 5.2, 9.0)):
        folder = write(
            tmp_path / f"{ssl}",
            {
                "ssl": [session(ssl, "10.1.0.9", NEW)],
                "x509": [certificate(x509, "0a", fingerprint="aa" * 32)],
            },
        )
        reader = FlowLogReader()
        for ref in registry.chunks(folder, registry.sniff(folder)):
            reader.add(ref)
        events = reader.finish().events
        (time,) = events["time"][events["kind"] == TLS_WHOLE_CERTIFICATE]
        assert time == round(expected * 10) * 10**8


def test_a_log_of_files_says_between_whom_where_nothing_else_does(tmp_path):
    file = {"ts": 5.0, "tx_hosts": ["10.2.0.3"], "rx_hosts": ["10.1.0.9"], "source": "SSL",
            "mime_type": "application/x-x509-user-cert"}  # fmt: skip
    logs = {"files": [file | {"fuid": "FaA"}, file | {"fuid": "FaB"}, file | {"fuid": "FaZ"},
                      file | {"fuid": "FaD", "mime_type": "text/plain"}],
            "ssl": [session(5.0, "10.1.0.9", {"cert_chain_fuids": ["FaA"]})],
            "x509": [certificate(5.1, f"0{c.lower()}", id=f"Fa{c}") for c in "ABD"]}  # fmt: skip
    found, notes = told(write(tmp_path / "logs", logs))
    assert sorted(found) == sorted(
        [EXPECTED[0], ("10.2.0.3", 0, "10.1.0.9", 0, 0, "0b", 0), ("::", 0, "::", 0, 0, "0d", 0)]
    )
    assert notes == {"certificates_joined": 1, "certificates_by_file": 1, "certificates_alone": 1}


def test_one_log_by_itself_does_not_wait(tmp_path):
    folder = write(tmp_path / "logs", {"x509": [certificate(5.1, "0a", id="FaA")]})
    found, notes = told(folder / "x509.log")
    assert found == [("::", 0, "::", 0, 0, "0a", 0)]
    assert notes == {}


def scene(rng: random.Random) -> dict[str, list[dict]]:
    """Logs by the hour, some certificates told twice or never, some named in several connections."""
    keys = [f"{n:02x}" * 32 for n in range(12)]
    logs: dict[str, list[dict]] = {"conn": [CONN]}
    for hour in range(3):
        shown = [certificate(hour + 1.0, f"{keys.index(k):02x}", fingerprint=k) for k in rng.sample(keys, 5)]
        shown += [certificate(hour + 1.0, "ff")] * rng.randint(0, 1)  # without a name
        named = [
            session(
                hour + 1.5, f"10.1.{hour}.{i}", {"cert_chain_fps": rng.sample(keys, rng.randint(0, 4))}, i + 1
            )
            for i in range(6)
        ]
        logs |= {f"x509.{hour}": shown, f"ssl.{hour}": named}
    return logs


@pytest.mark.parametrize("seed", range(4))
def test_batches_and_restarts_change_nothing(tmp_path, seed):
    rng = random.Random(seed)
    logs = scene(rng)
    folder = write(tmp_path / "logs", logs)
    whole, notes = told(folder)
    serials = {row["fingerprint"]: row["certificate.serial"] for name, rows in logs.items() for row in rows
               if "fingerprint" in row}  # fmt: skip
    pairs = [
        (row["id.orig_h"], place, serials[key])
        for name, rows in logs.items() if name.startswith("ssl")
        for row in rows for place, key in enumerate(row["cert_chain_fps"]) if key in serials
    ]  # fmt: skip
    assert sorted(
        (dst, place, serial) for src, _, dst, _, place, serial, _ in whole if src != "::"
    ) == sorted(pairs)
    assert notes["certificates_joined"] == len(pairs)
    for chunk, restart in itertools.product((1, 900), (2, 7, 15)):
        assert told(folder, chunk, restart) == (whole, notes)


def test_no_more_is_kept_than_there_is_room_for():
    """Against a loop over what came, which forgets what is `room` arrivals old."""
    from ingest.flowlogs.chains.layout import NAME

    for seed in range(6):
        rng = random.Random(seed)
        chains, room, known, waiting, wanted, got = Chains(4), 4, {}, [], [], []
        counts = dict.fromkeys(("joined", "alone", "by_file", "again", "missing"), 0)
        shown = 0

        def alone(key: int, weak: list, counts=counts, wanted=wanted) -> None:
            hosts = [w["src_lo"] for w in weak if w is not None and w["key"] == key and w["weak"]]
            counts["by_file" if hosts else "alone"] += 1
            wanted.append((key, hosts[0] if hosts else 0))

        for step in range(60):
            key = rng.randint(1, 9)
            if rng.random() < 0.5:
                row = np.zeros(1, NAME)
                row["key"], row["src_lo"], row["weak"] = key, step + 1, rng.random() < 0.3
                out = chains.add(Said(names=row))
                if key in known and not row["weak"][0]:
                    known[key][1] = True
                    counts["joined"] += 1
                    wanted.append((key, step + 1))
                else:
                    waiting.append({name: int(row[name][0]) for name in ("key", "src_lo", "weak")})
                    if len(waiting) > room:
                        gone = waiting[len(waiting) - room - 1]
                        counts["missing"] += gone is not None and not gone["weak"]
                        waiting[len(waiting) - room - 1] = None
            else:
                rows = np.zeros(1, Said().rows.dtype)
                rows["digest"] = key
                out = chains.add(Said(rows, np.array([step]), np.array([key], np.uint64)))
                if key in known:
                    counts["again"] += 1
                else:
                    for old, (number, named) in list(known.items()):
                        if number == shown - room:
                            if not named:
                                alone(old, waiting)
                            del known[old]
                    known[key] = [shown, False]
                    shown += 1
                    for i, w in enumerate(waiting):
                        if w is not None and w["key"] == key and not w["weak"]:
                            known[key][1] = True
                            counts["joined"] += 1
                            wanted.append((key, w["src_lo"]))
                            waiting[i] = None
            got += [(int(r["digest"]), int(r["src_lo"])) for r in out.rows]
            if step == 30:
                saved = {
                    k: v.copy() if isinstance(v, np.ndarray) else v for k, v in chains.snapshot().items()
                }
                chains = Chains(4)
                chains.restore(saved)
        for key, (_, named) in known.items():
            if not named:
                alone(key, waiting)
        counts["missing"] += sum(1 for w in waiting if w is not None and not w["weak"])
        got += [(int(r["digest"]), int(r["src_lo"])) for r in chains.finish().rows]
        assert got == wanted
        assert chains.notes == {f"certificates_{name}": n for name, n in counts.items() if n}


def test_a_snapshot_of_another_shape_is_refused():
    saved = Chains(4).snapshot()
    with pytest.raises(ValueError, match="do not fit"):
        Chains(4).restore(saved | {"chains.names": np.zeros(1, saved["chains.names"].dtype)})
    with pytest.raises(ValueError, match="as many"):
        Chains(4).restore(saved | {"chains": b"\x91\x00"})
