"""A row of the event archive as an ECS document, so that events, flows and alerts are read alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from citywall import batches as b
from citywall import eventnames as names
from citywall.batches import EVENT_NAMES
from console.flowdocument import ECS_VERSION, vlan_of

Row = Mapping[str, Any]
Told = dict[str, Any]
_NUMBERS = {name: number for number, name in EVENT_NAMES.items()}
_LOGINS = frozenset((b.LOGIN_NAME, b.LOGIN_RESULT))


def event_document(row: Row, domain_name: Callable[[int], str]) -> Told:
    """The ECS document of what an application said; what ECS has no field for is under `citywall.event`."""
    kind = _NUMBERS.get(row["kind"], 0)
    protocol = names.protocol(kind, row["type"])
    own: Told = {"id": row["event_id"], "path": row["path"], "size": row["size"]}
    if row["frame"] >= 0:
        own |= {"frame": row["frame"], "offset": row["offset"]}
    if row["flags"] & b.CUT_SHORT:
        own["cut_short"] = True
    document: Told = {
        "@timestamp": row["time"],
        "ecs": {"version": ECS_VERSION},
        "event": {
            "kind": "event", "category": ["network"], "type": ["protocol"], "module": "citywall",
            "dataset": "citywall.event", "action": row["kind"],
        },
        "source": {"address": row["src"], "ip": row["src"], "port": row["src_port"]},
        "destination": {"address": row["dst"], "ip": row["dst"], "port": row["dst_port"]},
        "network": {
            "transport": row["proto"], "type": "ipv6" if ":" in row["src"] else "ipv4",
            "community_id": row["community_id"], **vlan_of(row["vlan"]),
        },
        "citywall": {
            "session": row["session"], "lane": row["lane"], "domain": domain_name(row["domain"]),
            "event": own,
        },
    }  # fmt: skip
    if protocol and protocol != "log":
        document["network"]["protocol"] = protocol
    _TELL.get(kind, _plainly)(row, document, own)
    return document


def _plainly(row: Row, _: Told, own: Told) -> None:
    """A kind whose words ECS has no place for."""
    own |= {name: row[name] for name in ("name", "rest", "agent", "answer") if row[name]}
    own |= {name: row[name] for name in ("code", "type", "count", "number") if row[name]}


def _dns(row: Row, document: Told, own: Told) -> None:
    told: Told = {"id": str(row["aux"]), "type": "query"}
    told["question"] = {"name": row["name"], "type": names.query_type(row["type"])}
    if row["kind"] == EVENT_NAMES[b.DNS_ANSWER]:
        told |= {"type": "answer", "response_code": names.response_code(row["code"])}
        own["answers"] = row["count"]
        if row["answer"]:
            told["resolved_ip"] = [row["answer"]]
        if row["number"]:
            own["time_to_live"] = row["number"]
    document["dns"] = told


def _client(row: Row, document: Told, own: Told) -> None:
    client: Told = {}
    if row["name"]:
        client["server_name"] = row["name"]
    if row["print"]:
        client["ja3"] = row["print"]
    if row["agent"]:
        client["ja4"] = row["agent"]
    document["tls"] = {"version": names.tls_version(row["code"]), "client": client}
    _protocol(row, document, own)


def _server(row: Row, document: Told, own: Told) -> None:
    told: Told = {"version": names.tls_version(row["code"]), "cipher": names.cipher_suite(row["type"])}
    if row["print"]:
        told["server"] = {"ja3s": row["print"]}
    document["tls"] = told
    _protocol(row, document, own)


def _certificate(row: Row, document: Told, own: Told) -> None:
    server: Told = _hashes(row["agent"], ("sha256", 0, 64), ("sha1", 64, 104))
    agent = row["agent"]
    if serial := agent[104:144].strip():
        server["x509"] = {"serial_number": serial}
    if others := agent[144:].split():
        server.setdefault("x509", {})["alternative_names"] = others
    if row["type"] and row["type"] < len(b.KEY_KINDS):
        key = {"public_key_algorithm": b.KEY_KINDS[row["type"]], "public_key_size": row["size"]}
        server.setdefault("x509", {}).update(key)
    for name, text in (("subject", row["name"]), ("issuer", row["rest"])):
        if text:
            server[name] = text
    for name, seconds in (("not_before", row["answers"]), ("not_after", row["number"])):
        if 0 < seconds < 1 << 32:
            server[name] = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    version = {"version": names.tls_version(row["code"])} if row["code"] else {}  # logs do not tell it
    document["tls"] = version | {"server": server}
    own["place"] = row["count"]
    if row["flags"] & b.SELF_SIGNED:
        own["self_signed"] = True
    _algorithms(row, own)


def _hashes(text: str, *parts: tuple[str, int, int]) -> Told:
    """Those that are told, of texts at places of their own."""
    told = {name: digits for name, begin, end in parts if (digits := text[begin:end].strip())}
    return {"hash": told} if told else {}


def _file(row: Row, document: Told, own: Told) -> None:
    document["event"]["category"] = ["file"]
    told = _hashes(row["agent"], ("sha256", 0, 64), ("sha1", 64, 104), ("md5", 104, 136))
    for name, value in (("name", row["name"]), ("mime_type", row["rest"]), ("size", row["number"])):
        if value:
            told[name] = value
    document["file"] = told
    own["bytes_seen"] = row["size"]


def _notice(row: Row, _: Told, own: Told) -> None:
    own |= {"notice": row["name"], "message": row["rest"]} | ({"sub": row["agent"]} if row["agent"] else {})


def _algorithms(row: Row, own: Told) -> None:
    if row["flags"] & b.SM_SUITES:
        own["sm_suites"] = True


def _protocol(row: Row, document: Told, own: Told) -> None:
    if row["rest"]:
        document["tls"]["next_protocol"] = row["rest"]
    _algorithms(row, own)


def _request(row: Row, document: Told, own: Told) -> None:
    document["http"] = {"request": {"method": names.method(row["code"])}}
    document["url"] = {"original": row["rest"]} | ({"domain": row["name"]} if row["name"] else {})
    if row["agent"]:
        document["user_agent"] = {"original": row["agent"]}
    if signs := [name for bit, name in names.SIGNS.items() if row["flags"] & bit]:
        own["signs"] = signs


def _response(row: Row, document: Told, _: Told) -> None:
    document["http"] = {"response": {"status_code": row["code"]}}


def _banner(row: Row, _: Told, own: Told) -> None:
    own["banner"] = row["name"]


def _account(row: Row, document: Told, own: Told) -> None:
    document["event"]["category"] = ["authentication"]
    if row["name"]:
        document["user"] = {"name": row["name"]}
    if row["flags"] & b.CLEAR_PASSWORD:
        own["clear_password"] = True


def _outcome(row: Row, document: Told, own: Told) -> None:
    _account(row, document, own)
    document["event"]["outcome"] = names.outcome(row["code"])
    if row["rest"]:
        document["service"] = {"name": row["rest"]}


def _access(row: Row, document: Told, own: Told) -> None:
    document["event"]["category"] = ["database"]
    document["user"] = {"name": row["name"]}
    own |= {"object": row["rest"], "rows": row["number"]}


def _personal(row: Row, _: Told, own: Told) -> None:
    own |= {"identity_numbers": row["count"], "telephone_numbers": row["number"], "masked": row["name"]}


def _lease(row: Row, _: Told, own: Told) -> None:
    own |= {"message": names.dhcp_message(row["type"]), "client_mac": row["name"]}
    if row["answer"]:
        own["address"] = row["answer"]


_TELL: dict[int, Callable[[Row, Told, Told], None]] = {
    b.DNS_QUERY: _dns, b.DNS_ANSWER: _dns, b.TLS_CLIENT: _client, b.TLS_SERVER: _server,
    b.HTTP_REQUEST: _request, b.HTTP_RESPONSE: _response, b.SSH_BANNER: _banner, b.LOGIN_NAME: _account,
    b.LOGIN_RESULT: _outcome, b.ACCOUNT_LOGIN: _outcome, b.DATA_ACCESS: _access,
    b.TLS_WHOLE_CLIENT: _client, b.TLS_WHOLE_CERTIFICATE: _certificate, b.PERSONAL_DATA: _personal,
    b.DHCP_MESSAGE: _lease, b.FILE_SEEN: _file, b.NOTICE_RAISED: _notice,
}  # fmt: skip


def in_words(document: Mapping[str, Any]) -> str:
    """What an event says, on one line."""
    own = document["citywall"]["event"]
    dns, tls, http, file = (document.get(name, {}) for name in ("dns", "tls", "http", "file"))
    url, client, server = document.get("url", {}), tls.get("client", {}), tls.get("server", {})
    pieces: list[Any] = [
        dns.get("question", {}).get("type"), dns.get("question", {}).get("name"), dns.get("response_code"),
        *dns.get("resolved_ip", ()), tls.get("version"), client.get("server_name"), tls.get("cipher"),
        client.get("ja4"), server.get("ja3s"), server.get("subject"), server.get("issuer"),
        server.get("not_after"), server.get("hash", {}).get("sha256"), http.get("request", {}).get("method"),
        url.get("domain", "") + url.get("original", ""), http.get("response", {}).get("status_code"),
        own.get("banner"), document.get("user", {}).get("name"), document["event"].get("outcome"),
        document.get("service", {}).get("name"), own.get("message"), own.get("client_mac"),
        own.get("address"), own.get("object"), own.get("masked"), file.get("mime_type"), file.get("name"),
        file.get("hash", {}).get("sha256") or file.get("hash", {}).get("md5"), own.get("notice"),
        own.get("name"), own.get("rest"), *own.get("signs", ()),
    ]  # fmt: skip
    return " ".join(str(piece) for piece in pieces if piece not in (None, ""))
