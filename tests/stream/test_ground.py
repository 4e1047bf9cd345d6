"""The register as the detectors are given it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.addresses import to_words
from citywall.domains import Domains, DomainSettings
from citywall.errors import SettingsError
from citywall.portals import Portal
from citywall.settings import Settings
from detectors.ground import Spot
from posture.records import Asset, Prefix, Register, System, Unit, Zone, to_text
from stream.ground import ground

REGISTER = Register(
    units=(Unit("a", "A"),),
    zones=(Zone("office", "办公区", internet=False, reaches=("hub",)), Zone("hub", "交换区", exchange=True)),
    systems=(System("x", "X", "a", 3, zone="hub"),),
    assets=(Asset("host", "H", ("10.1.0.9/32",), domain="vlan 12", system="x"),),
    prefixes=(Prefix("10.1.0.0/16", zone="office", unit="a"), Prefix("fd01::/32", domain="net", zone="hub")),
)
DOMAINS = Domains(DomainSettings(vlans={"30": "net"}))


def at(found, text, domain):
    hi, lo = (np.array([word], "u8") for word in to_words(text))
    return found.find(hi, lo, np.array([domain], "u4"))


def test_addresses_stand_where_the_register_puts_them():
    found = ground(Settings(registered=to_text(REGISTER)), DOMAINS)
    spots = [found.spots[int(at(found, text, domain)[0])] for text, domain in (
        ("10.1.0.9", 0), ("10.1.0.9", 12), ("10.2.0.1", 0), ("fd01::5", DOMAINS.of_vlan(30)),
    )]  # fmt: skip
    assert spots == [Spot("office", "a", ""), Spot("hub", "a", "x"), Spot("", "", ""), Spot("hub", "", "")]
    assert found.closed(at(found, "10.1.0.9", 0)).all()


def test_without_a_register_there_is_no_ground():
    assert ground(Settings(), DOMAINS) is None
    with pytest.raises(SettingsError, match="registered"):
        ground(Settings(registered="{"), DOMAINS)


def test_portals_are_at_the_addresses_of_their_assets_and_of_their_pages():
    urls = ("https://www.city.example.gov.cn/", "http://[fd00::9]:8080/")
    pin = "sha256/" + "AAAAAAAAAAE" + "A" * 32 + "="
    portal = Portal("www", "W", urls, asset="host", pins=(pin,))
    register = msgspec.structs.replace(REGISTER, portals=(portal,))
    frontage = ground(Settings(registered=to_text(register)), DOMAINS).frontage
    (asset,) = frontage.at(*to_words("10.1.0.9"), 12, 443)
    assert (asset.portal.id, asset.ports, asset.pins) == ("www", (443, 8080), (1,))
    assert len(frontage.at(*to_words("fd00::9"), 0, 8080)) == 1
    assert frontage.at(*to_words("10.1.0.9"), 0, 443) == []
