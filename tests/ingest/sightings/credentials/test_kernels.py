"""Who logs in as whom, by what, and what is called: made by hand, and as tshark reads real captures."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import sighted as s

from citywall import batches as b


def one(payload, **more):
    (event,) = s.events(payload, **more)
    return event


def said(event):
    return b.EVENT_NAMES[int(event["kind"])], s.texts(event)


@pytest.mark.parametrize("wrapped", [b"", b"\x60\x48\x06\x06+\x06\x01\x05\x05\x02"])
def test_an_ntlm_log_in_to_files(wrapped):
    event = one(s.smb_session(wrapped + s.ntlm()), **s.FILES)
    assert said(event) == ("ntlm_logon", ("wangwei", "city", "pc-9"))
    assert b.SERVICES[event["type"]] == "smb"
    assert event["answers"] != 0
    other = one(s.smb_session(s.ntlm("wangwei", station="")), **s.FILES)
    assert (other["digest"] == event["digest"], other["answers"]) == (True, 0)


def test_an_ntlm_log_in_to_procedures():
    assert said(one(s.pdu(16, bytes(12) + s.ntlm("李丹")), **s.RPC)) == ("ntlm_logon", ("??", "city", "pc-9"))


@pytest.mark.parametrize(
    "payload",
    [
        s.smb_session(s.ntlm("")),
        s.smb_session(s.ntlm()[:70]),
        s.smb_session(b"NTLMSSP\0\1\0\0\0" + bytes(90)),
    ],
    ids=["nobody", "cut", "negotiation"],
)
def test_what_is_nobodys_log_in(payload):
    assert len(s.events(payload, **s.FILES)) == 0


def test_fields_that_reach_out_are_nothing():
    message = bytearray(s.ntlm())
    message[40:44] = b"\xff\xff\0\0"  # the account's place
    assert len(s.events(s.smb_session(bytes(message)), **s.FILES)) == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [("\\\\files\\ADMIN$", "admin$"), ("\\\\10.0.0.7\\D$", "d$"), ("\\\\files\\IPC$", None),
     ("\\\\files\\public", None), ("\\\\files\\SYSVOL", None), ("ADMIN$", "admin$")],
)  # fmt: skip
def test_shares_of_administration(path, name):
    found = s.events(s.smb_tree(path), **s.FILES)
    assert [said(e) for e in found] == ([] if name is None else [("share_opened", (name, "", ""))])


@pytest.mark.parametrize(
    ("name", "what"), [("svcctl", 2), ("ATSVC", 3), ("winreg", 4), ("srvsvc", 0), ("a.txt", 0)]
)
def test_pipes_of_services(name, what):
    found = s.events(s.smb_create(name), **s.FILES)
    assert [(int(e["type"]), b.BOUND_BY[e["code"]]) for e in found] == ([(what, "pipe")] if what else [])


@pytest.mark.parametrize("stream", [False, True])
def test_a_first_ticket_is_asked_for(stream):
    more = s.TICKETS if stream else {**s.TICKETS, "proto": b.UDP}
    for proof, offers, code in ((18, (18, 23), 3), (23, (23,), 2), (0, (18,), 1)):
        payload = s.as_request(proof=proof, offers=offers)
        event = one((len(payload).to_bytes(4, "big") if stream else b"") + payload, **more)
        assert said(event) == ("ticket_asked", ("wangwei", "city.gov", ""))
        assert (event["type"], event["code"]) == (proof, code)


def test_a_ticket_for_a_service_is_given():
    payload = s.ticket(cipher=23)
    event = one(payload, back=True, **{**s.TICKETS, "proto": b.UDP})
    assert said(event) == ("ticket_given", ("wangwei", "cifs/files", ""))
    assert event["type"] == b.RC4_HMAC
    cut = one(payload[:150] + bytes(40), back=True, **{**s.TICKETS, "proto": b.UDP})
    assert cut["answers"] == event["answers"]
    asked = one(s.as_request(), **{**s.TICKETS, "proto": b.UDP})
    assert asked["digest"] == event["digest"]  # one account, however it is read


def test_binds_name_their_interface():
    event = one(s.rpc_bind(s.NDR, s.DRSUAPI), **s.RPC)
    assert (b.INTERFACES[event["type"]], b.BOUND_BY[event["code"]]) == ("replication", "bind")
    assert b.INTERFACES[one(s.rpc_bind(s.SVCCTL, kind=14), **s.RPC)["type"]] == "services"
    assert len(s.events(s.rpc_bind(s.NDR), **s.RPC)) == 0


def test_the_mapper_is_asked_for_replication():
    event = one(s.rpc_map(), ports=(40000, 135))
    assert (b.INTERFACES[event["type"]], b.BOUND_BY[event["code"]]) == ("replication", "mapper")
    assert len(s.events(s.rpc_map(s.SVCCTL), ports=(40000, 135))) == 0


@pytest.mark.parametrize(("number", "more", "told"), [
    (3, {}, True), (12, {}, True), (16, {}, True), (4, {}, False),
    (3, {"sealed_by": 0}, False), (3, {"flags": 0x83}, False),
])  # fmt: skip
def test_sealed_calls_show_their_number(number, more, told):
    found = s.events(s.rpc_call(number, **more), **s.RPC)
    assert [(b.EVENT_NAMES[int(e["kind"])], int(e["type"])) for e in found] == [("call_made", number)] * told


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize(
    "name", ["lateral/LM_psexec_smb_dcerpc_epm_svcctl.pcapng", "benign/kerberos-login.pcap"]
)
def test_the_same_log_ins_and_tickets_as_tshark(shared_data, name):
    path = shared_data / "captures" / "pcap" / name
    ours = s.seen_in(path)
    fields = ["frame.number", "ntlmssp.auth.username", "ntlmssp.auth.hostname", "kerberos.msg_type"]
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    told = [line.split("\t") for line in lines]
    theirs = {(int(t[0]), t[1].lower(), t[2].lower()) for t in told if t[1] and t[1] != "NULL"}
    logons = ours[ours["kind"] == b.NTLM_LOGON]
    assert {(int(e["frame"]), s.texts(e)[0], s.texts(e)[2]) for e in logons} == theirs
    given = {int(e["frame"]) for e in ours[ours["kind"] == b.TICKET_GIVEN]}
    assert given == {int(t[0]) for t in told if "13" in t[3].split(",")}
    asked = {int(e["frame"]) for e in ours[ours["kind"] == b.TICKET_ASKED]}
    assert asked == {int(t[0]) for t in told if "10" in t[3].split(",")}
    assert len(logons) > 0 or given
