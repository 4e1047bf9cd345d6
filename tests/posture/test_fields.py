from __future__ import annotations

from typing import Any

import pytest

from citywall.i18n import catalogue
from posture import fields
from posture.fields import FILE, SECTIONS, Bad, Field
from posture.nodes import Fields, Items, Scalar
from posture.records import Asset, Person, Prefix, System, Unit, Zone


def plain(text: str) -> Scalar:
    return Scalar(1, text, plain=True)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (fields.text, " 大数据局 ", "大数据局"),
        (fields.identifier, "data-exchange_2", "data-exchange_2"),
        (fields.email, "a@b.example", "a@b.example"),
        (fields.number(1, 5), "5", 5),
        (fields.flag, "true", True),
        (fields.flag, "false", False),
        (fields.unclassified, "false", False),
        (fields.choice("head", "security"), "head", "head"),
        (fields.prefix, "10.0.0.1", "10.0.0.1/32"),
        (fields.prefix, "10.0.0.0/8", "10.0.0.0/8"),
        (fields.prefix, "2001:DB8:0:0::1", "2001:db8::1/128"),
        (fields.prefix, "::/0", "::/0"),
        (fields.version, "1", 1),
        (fields.url, "https://WWW.example.gov.cn", "https://www.example.gov.cn/"),
        (fields.url, "http://[FD00::1]:8080/a?b=c", "http://[fd00::1]:8080/a?b=c"),
        (fields.site, "*.Example.cn.", "*.example.cn"),
        (fields.selector, "div#weather", "div#weather"),
        (fields.pin, "sha256/" + "A" * 43 + "=", "sha256/" + "A" * 43 + "="),
    ],
)
def test_read(read: Any, text: str, value: Any):
    assert read(plain(text)) == value


@pytest.mark.parametrize(
    ("read", "text", "key"),
    [
        (fields.text, "  ", "empty"),
        (fields.text, "x" * 201, "too_long"),
        (fields.text, "a\x1b[2J", "control"),
        (fields.text, "a\u2028b", "control"),
        (fields.identifier, "a b", "not_id"),
        (fields.identifier, "-a", "not_id"),
        (fields.identifier, "a" * 65, "not_id"),
        (fields.identifier, "大", "not_id"),
        (fields.email, "nobody", "not_email"),
        (fields.number(1, 5), "0", "not_number"),
        (fields.number(1, 5), "6", "not_number"),
        (fields.number(1, 5), "2.5", "not_number"),
        (fields.number(1, 5), "９", "not_number"),
        (fields.number(1, 5), "9" * 5000, "not_number"),
        (fields.flag, "yes", "not_flag"),
        (fields.unclassified, "true", "classified"),
        (fields.unclassified, "no", "not_flag"),
        (fields.choice("head"), "boss", "not_choice"),
        (fields.prefix, "10.0.0.1/8", "host_bits"),
        (fields.prefix, "10.0.0.0/33", "not_prefix"),
        (fields.prefix, "10.0.0", "not_prefix"),
        (fields.prefix, "::ffff:10.0.0.1", "mapped"),
        (fields.prefix, "fe80::1%eth0", "not_prefix"),
        (fields.version, "2", "not_version"),
    ],
)
def test_refuse(read: Any, text: str, key: str):
    with pytest.raises(Bad) as raised:
        read(plain(text))
    assert raised.value.key == key
    assert f"register_fault.{key}" in catalogue()


def test_what_a_node_must_be():
    for take, node, key in (
        (fields.scalar, Items(1), "not_text"),
        (fields.items, plain("x"), "not_list"),
        (fields.table, plain("x"), "not_map"),
    ):
        with pytest.raises(Bad) as raised:
            take(node)
        assert raised.value.key == key
    assert fields.table(Fields(1)) == Fields(1)
    assert fields.items(Items(1)) == []


@pytest.mark.parametrize(
    ("section", "record"),
    [("units", Unit), ("zones", Zone), ("systems", System), ("assets", Asset), ("prefixes", Prefix)],
)
def test_every_field_has_its_place_in_a_record(section: str, record: Any):
    assert set(SECTIONS[section]) - {"classified"} == set(record.__struct_fields__)
    for field in SECTIONS[section].values():
        assert sum(part is not None for part in (field.read, field.each, field.table)) == 1


def test_persons():
    persons = SECTIONS["units"]["persons"]
    assert isinstance(persons, Field)
    assert persons.table is not None
    assert set(persons.table) == set(Person.__struct_fields__)
    assert set(FILE) == {"version", *SECTIONS}
