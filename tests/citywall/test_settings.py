"""Settings come from four places, and every mistake names its place and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import SettingsError
from citywall.settings import Settings, keys, load, results_digest


def test_defaults_need_nothing():
    assert load(environment={}) == Settings()


def test_variables_of_tests_and_benchmarks_are_no_settings():
    for name in ("REQUIRE_SERVICES", "EVERY_CAPTURE", "BENCH_DATA", "CACHE_DIR"):
        assert load(environment={f"CITYWALL_{name}": "1"}) == Settings()
    with pytest.raises(SettingsError, match="no such setting"):
        load(environment={"CITYWALL_BENCH_DATE": "1"})


def test_later_sources_win(tmp_path: Path):
    file = tmp_path / "citywall.toml"
    file.write_text("[meter]\nidle_timeout_s = 30\nactive_timeout_s = 60\nmax_flows = 100\n")
    settings = load(
        file,
        {"CITYWALL_METER__ACTIVE_TIMEOUT_S": "70", "CITYWALL_METER__MAX_FLOWS": "200", "HOME": "/x"},
        ["meter.max_flows=300"],
    )
    assert settings.meter.idle_timeout_s == 30
    assert settings.meter.active_timeout_s == 70
    assert settings.meter.max_flows == 300


@pytest.mark.parametrize(
    ("assignment", "key", "words"),
    [
        ("meter.idle=5", "meter.idle", "no such setting"),
        ("nope=5", "nope", "no such setting"),
        ("meter.idle_timeout_s=soon", "meter.idle_timeout_s", "int"),
        ("meter.idle_timeout_s=0", "meter.idle_timeout_s", ">= 1"),
        ("lane=lunch", "lane", "matching"),
        ("domains.vlans.9999=x", "domains.vlans.9999", "0 to 4095"),
        ("home=10.0.0.1/8", "home", "host bits"),
        ("meter..x=1", "meter..x", "dotted"),
        ("meter", "meter", "KEY=VALUE"),
    ],
)
def test_a_mistake_names_its_place_and_key(assignment: str, key: str, words: str):
    with pytest.raises(SettingsError) as caught:
        load(environment={}, assignments=[assignment])
    assert caught.value.key == key
    assert caught.value.origin == "--set"
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_mistake_in_the_file_names_the_file(tmp_path: Path):
    file = tmp_path / "citywall.toml"
    file.write_text("[capture]\nblock_bytes = 'big'\n")
    with pytest.raises(SettingsError, match=r"citywall\.toml: capture\.block_bytes: "):
        load(file, {})
    file.write_text("[capture\n")
    with pytest.raises(SettingsError, match="is not TOML"):
        load(file, {})
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "absent.toml", {})


def test_lists_and_texts_from_the_command_line():
    settings = load(environment={}, assignments=["home=10.0.0.0/8, 2001:db8::/32", "domains.vlans.12=hr"])
    assert settings.home == ("10.0.0.0/8", "2001:db8::/32")
    assert settings.domains.vlans == {"12": "hr"}


def test_every_key_is_documented():
    for key, (_type, _default, description) in keys().items():
        if not key.startswith(("domains.", "detectors")):
            assert description.endswith("."), key


def test_the_digest_follows_what_changes_results():
    base = results_digest(Settings())
    assert base == results_digest(load(environment={}, assignments=["capture.batch_packets=7"]))
    assert base != results_digest(load(environment={}, assignments=["meter.idle_timeout_s=7"]))
    # Not where the register lies, but what it says.
    assert base == results_digest(load(environment={}, assignments=["register=somewhere"]))
    assert base != results_digest(load(environment={}, assignments=["registered={}"]))
    # The same capture in two drills is two sessions.
    drills = {results_digest(load(environment={}, assignments=[f"drill={d}"])) for d in ("a", "b")}
    assert len(drills | {base}) == 3
