"""What the kernels must know of the detectors' parameters, and of whom they judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.base import milli
from detectors.beacon import Beacon, BeaconParameters
from detectors.brute_force import MAIL, PORTS, BruteForce, BruteForceParameters
from detectors.channel import Channel, ChannelParameters
from detectors.covert import Covert, CovertParameters
from detectors.dns_tunnel import DnsTunnel, DnsTunnelParameters
from detectors.exfiltration import Exfiltration, ExfiltrationParameters
from detectors.features.kernels import Limits
from detectors.flood import Flood, FloodParameters
from detectors.industrial import Industrial, IndustrialParameters
from detectors.lateral import Lateral, LateralParameters
from detectors.long_connection import LongConnection, LongConnectionParameters
from detectors.policy import CLEAR_TEXT, REMOTE, TOR, Policy, PolicyParameters, networks
from detectors.relations.kernels import Reach
from detectors.relations.records import ADMIN, ALWAYS, CLEAR, INDUSTRIAL, LOGIN, NAMED, NO_WEB, OVER_TCP
from detectors.scan import Scan, ScanParameters
from detectors.segment import Segment, SegmentParameters
from detectors.spray import Spray, SprayParameters

_SECOND = 1_000_000_000
_DIRECTORY = (88, 389, 464, 636, 3268)

T = TypeVar("T", bound=msgspec.Struct)


def limits_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Limits:
    """What the feature kernel must know of the detectors' parameters, and of whom it judges."""
    scan = _of(parameters, Scan.id, ScanParameters)
    flood = _of(parameters, Flood.id, FloodParameters)
    guessing = _of(parameters, BruteForce.id, BruteForceParameters)
    amplifiers = np.zeros(65536, np.uint8)
    amplifiers[list(flood.amplifiers)] = 1
    return Limits(
        window=scan.window_s * _SECOND,
        gate=min(scan.weak, scan.icmp_failures, guessing.weak),
        step_failure=milli(scan.step_failure),
        step_success=milli(scan.step_success),
        walk_cap=8 * milli(scan.accept),
        login_window=guessing.window_s * _SECOND,
        login_attempts=guessing.attempts,
        attempt_ns=guessing.attempt_s * _SECOND,
        attempt_bytes=guessing.attempt_bytes,
        prefix_v4=flood.prefix_v4,
        prefix_v6=flood.prefix_v6,
        flood=flood.limits(),
        amplifiers=amplifiers,
        services=guessing.services(),
        partition=share[0],
        partitions=share[1],
    )


def reach_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Reach:
    """What the relation kernel must know of the detectors' parameters, and of whom it judges."""
    lateral = _of(parameters, Lateral.id, LateralParameters)
    spray = _of(parameters, Spray.id, SprayParameters)
    segment = _of(parameters, Segment.id, SegmentParameters)
    ics = _of(parameters, Industrial.id, IndustrialParameters)
    tunnel = _of(parameters, DnsTunnel.id, DnsTunnelParameters)
    covert = _of(parameters, Covert.id, CovertParameters)
    exfiltration = _of(parameters, Exfiltration.id, ExfiltrationParameters)
    long = _of(parameters, LongConnection.id, LongConnectionParameters)
    guessing = _of(parameters, BruteForce.id, BruteForceParameters)
    flood = _of(parameters, Flood.id, FloodParameters)
    beacon = _of(parameters, Beacon.id, BeaconParameters)
    channel = _of(parameters, Channel.id, ChannelParameters)
    policy = _of(parameters, Policy.id, PolicyParameters)
    return Reach(
        window=tunnel.window_s * _SECOND,
        spread_window=lateral.window_s * _SECOND,
        service_window=spray.window_s * _SECOND,
        segment_window=10 * _SECOND,
        card_window=segment.window_s * _SECOND,
        edge_window=lateral.edge_s * _SECOND,
        learn=min(segment.learn_s, ics.learn_s) * _SECOND,
        learn_flows=min(segment.learn_flows, ics.learn_flows),
        held=int(long.hours * 3600 * _SECOND),
        bulk=exfiltration.megabytes * 1_000_000,
        beacon_flows=beacon.flows,
        talk_packets=min(tunnel.packets, covert.packets),
        rpc_flows=lateral.calls,
        gate=min(lateral.targets, spray.services, spray.sources, segment.routers) // 2,
        burst=segment.requests,
        attempt_ns=guessing.attempt_s * _SECOND,
        attempt_bytes=guessing.attempt_bytes,
        watch=_watched(lateral, guessing, ics, channel),
        told=_told(channel),
        resolvers=networks("resolvers", policy.resolvers).words,
        contacts=bool(policy.isolated or policy.forbidden),
        prefix_v4=flood.prefix_v4,
        prefix_v6=flood.prefix_v6,
        partition=share[0],
        partitions=share[1],
    )


def _watched(
    lateral: LateralParameters,
    guessing: BruteForceParameters,
    ics: IndustrialParameters,
    channel: ChannelParameters,
) -> NDArray[np.uint8]:
    """Classes of TCP ports: u1[65536]."""
    watch = np.zeros(65536, np.uint8)
    watch[[port for port, service in PORTS.items() if service not in MAIL]] |= LOGIN
    watch[list(guessing.ports)] |= LOGIN
    watch[[*lateral.ports, *_DIRECTORY]] |= ADMIN
    watch[list(ics.ports)] |= INDUSTRIAL
    watch[[*CLEAR_TEXT, *channel.tool_ports]] |= CLEAR
    return watch


def _told(channel: ChannelParameters) -> NDArray[np.uint8]:
    """Classes of ports whose answered pairs may be told, for what the port is for: u1[65536]."""
    told = np.zeros(65536, np.uint8)
    told[:10000] = NO_WEB
    told[list(channel.web_ports)] &= ~np.uint8(NO_WEB)
    told[[*REMOTE, *CLEAR_TEXT, *TOR, *channel.tool_ports]] |= OVER_TCP
    told[443] |= NAMED
    told[853] |= ALWAYS
    return told


def _of(parameters: Mapping[str, Any], name: str, kind: type[T]) -> T:
    found = parameters[name]
    assert isinstance(found, kind)
    return found
