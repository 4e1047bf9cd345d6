from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from citywall.settings import load
from console.caller import Office
from console.service import jobs
from playbooks.triggers import Triggers


def test_there_are_jobs_for_what_the_settings_ask(office: Office):
    triggers = Triggers(office.data, office.settings)
    found = {job.name: job for job in jobs.of(office, triggers)}
    assert list(found) == ["playbooks", "heartbeat", "report"]
    assert (found["report"].cron, str(found["report"].zone)) == ("15 0 * * *", "Asia/Shanghai")
    found["playbooks"].work()
    other = load(None, {}, ["register=example", "report.day_begins_hour=23", "service.report_minute=75"])
    found = {job.name: job for job in jobs.of(replace(office, settings=other), triggers)}
    assert found["report"].cron == "15 0 * * *"
    assert found["posture"].cron == "0 * * * *"


def test_the_last_whole_day_is_reported_once(office: Office, monkeypatch: pytest.MonkeyPatch):
    jobs.report(office)
    assert not (office.data / "reports").exists()  # the installation is younger than that day
    monkeypatch.setattr(jobs, "_installed", lambda _: 0)
    made: list[Any] = []
    monkeypatch.setattr("reports.making.make", lambda *a, **k: made.append((a, k)))
    jobs.report(office)
    [((settings, data, day, languages, folder), more)] = made
    assert (settings, data, folder) == (office.settings, office.data, office.data / "reports" / day.date)
    assert (languages, more["by"].user) == (("en", "zh"), "citywall")
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    jobs.report(office)
    assert len(made) == 1


def test_an_installation_is_as_old_as_its_audit_log(office: Office):
    assert 0 < jobs._installed(office) <= Path(office.data / "accounts.sqlite").stat().st_mtime_ns + 10**9


def test_posture_is_kept_once_an_hour(office: Office):
    registered = replace(office, settings=load(None, {}, ["register=example"]))
    jobs.posture(registered)
    jobs.posture(registered)
    [path] = (office.data / "posture").iterdir()
    [line] = path.read_text().splitlines()
    told = json.loads(line)
    assert path.stem == told["until"][:10]
    assert len(told["rows"]) > 20
    jobs.posture(office)  # without a register there is nothing to keep
    assert msgspec.json.decode(path.read_bytes().splitlines()[0]) == told


def test_systemd_hears_the_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    jobs.heartbeat()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        jobs.heartbeat()
        assert listening.recv(100) == b"READY=1\nWATCHDOG=1"


def test_portals_are_probed_where_the_register_has_some(office: Office, tmp_path: Path):
    register = tmp_path / "register.yaml"
    units = "units: [{id: u, name: U, persons: [{name: N}]}]\n"
    register.write_text(units)
    asked = replace(office, settings=load(None, {}, [f"register={register}"]))
    assert jobs.portals(asked) == []
    register.write_text(units + "portals: [{id: www, name: W, urls: ['http://127.0.0.1:1/'], unit: u}]\n")
    [job] = jobs.portals(asked)
    assert (job.name, job.every_s) == ("portals", jobs.PORTALS_S)
    job.work()
    job.work()  # it is not due again
    [day] = (office.data / "portals" / "visits").iterdir()
    assert [json.loads(line)["error"] for line in day.read_text().splitlines()] == ["refused"]
    silent = replace(asked, settings=load(None, {}, [f"register={register}", "portals.probe=false"]))
    assert jobs.portals(silent) == []
