"""Limits of settings that their types cannot say: places that must parse, keys that only work together."""

from __future__ import annotations

import ipaddress
import zoneinfo
from collections.abc import Mapping
from typing import TYPE_CHECKING

from citywall.domains import vlan_number
from citywall.errors import SettingsError

if TYPE_CHECKING:
    from citywall.servers import KafkaSettings
    from citywall.settings import Settings


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raise SettingsError naming where a key came from (`origins`, by key) and what is wrong with it."""
    _check_places(settings, origins)
    _check_kafka(settings.kafka, origins)
    _check_time_zone(settings.report.time_zone, origins)


def origin_of(key: str, origins: Mapping[str, str]) -> str:
    """Where a key, or what it is part of, was given."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return "settings"


def _check_places(settings: Settings, origins: Mapping[str, str]) -> None:
    for vlan in settings.domains.vlans:
        try:
            vlan_number(vlan)
        except ValueError as e:
            key = f"domains.vlans.{vlan}"
            raise SettingsError(origin_of(key, origins), key, str(e)) from e
    for name, interface in settings.sensor.interfaces.items():
        for vlan in interface.vlans:
            try:
                vlan_number(vlan)
            except ValueError as e:
                key = f"sensor.interfaces.{name}.vlans.{vlan}"
                raise SettingsError(origin_of(key, origins), key, str(e)) from e
    for key, networks in (("home", settings.home), ("playbooks.protected", settings.playbooks.protected)):
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as e:
                raise SettingsError(origin_of(key, origins), key, str(e)) from e


def _check_kafka(kafka: KafkaSettings, origins: Mapping[str, str]) -> None:
    for key, holds, reason in (
        ("request_bytes", kafka.request_bytes > kafka.message_bytes, "must be above kafka.message_bytes"),
        ("fetch_bytes", kafka.fetch_bytes > kafka.message_bytes, "must be above kafka.message_bytes"),
        (
            "heartbeat_s",
            3 * kafka.heartbeat_s <= kafka.session_timeout_s,
            "must be at most a third of kafka.session_timeout_s",
        ),
        (
            "certificate",
            bool(kafka.certificate) == bool(kafka.key),
            "needs kafka.key, and the other way round",
        ),
        ("user", bool(kafka.user) == bool(kafka.mechanism), "needs kafka.mechanism, and the other way round"),
    ):
        if not holds:
            raise SettingsError(origin_of(f"kafka.{key}", origins), f"kafka.{key}", reason)


def _check_time_zone(name: str, origins: Mapping[str, str]) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as e:  # OSError: the name of a folder
        raise SettingsError(
            origin_of("report.time_zone", origins), "report.time_zone", f"{name!r} is no time zone"
        ) from e
