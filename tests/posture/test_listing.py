from __future__ import annotations

from posture import listing, reading

KINDS = ("assets", "systems", "units", "zones", "prefixes")


def test_entries_name_what_they_refer_to(small, write):
    register = reading.read([write(small)])
    found = {kind: listing.entries(register, kind) for kind in KINDS}
    web = next(e for e in found["assets"] if e["id"] == "web")
    assert web["addresses"] == ["10.0.0.5", "fd00::5"]
    assert web["system"]["name"] == "门户"
    assert web["unit"] == {"id": "data", "name": "大数据局", "name_en": "Data Bureau"}
    assert (web["zone"]["id"], web["importance"], web["mlps_level"], web["cii"]) == ("edge", 4, 3, True)
    assert [u["parent"] for u in found["units"]] == [
        {"id": "data", "name": "大数据局", "name_en": "Data Bureau"}, ""
    ]  # fmt: skip
    assert found["prefixes"][0]["prefix"] == "10.0.0.0/24"
    assert [z["id"] for z in found["zones"]] == ["edge", "public"]


def test_an_address_in_every_domain_that_knows_it(small, write):
    register = reading.read([write(small)])
    assert set(listing.whereabouts(register, "10.0.0.5", None)) == {"default", "vlan 7"}
    assert set(listing.whereabouts(register, "10.0.0.5", "vlan 7")) == {"vlan 7"}
    assert listing.whereabouts(register, "10.9.9.9", None) == {}
    told = listing.told(register, "10.0.0.5", listing.whereabouts(register, "10.0.0.5", None))
    assert told["address"] == "10.0.0.5"
    default, other = told["places"]
    assert default["asset"]["id"] == "web"
    assert default["unit"]["persons"] == [{"name": "赵", "role": "security", "phone": "1", "email": ""}]
    assert other["domain"] == "vlan 7"
    assert "system" not in other
    assert (other["importance"], other["mlps_level"], other["cii"]) == (2, None, None)


def test_a_public_address_is_told_once(write):
    text = (
        "units:\n  - {id: u, name: U, persons: [{name: N}]}\n"
        "prefixes:\n  - {prefix: 8.8.8.0/24, unit: u}\n  - {prefix: 10.0.0.0/8, unit: u, domain: vlan 3}\n"
    )
    register = reading.read([write(text)])
    assert list(listing.whereabouts(register, "8.8.8.8", None)) == ["default"]
