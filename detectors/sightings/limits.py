"""What the kernel of sightings must know of the detectors' parameters, and of whom it judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np

from detectors.account import Account, AccountParameters
from detectors.dga import Dga, DgaParameters
from detectors.lease_scan import LeaseScan, LeaseScanParameters
from detectors.login_failures import LoginFailures, LoginFailuresParameters
from detectors.name_answers import NameAnswers, NameAnswersParameters
from detectors.name_tunnel import NameTunnel, NameTunnelParameters
from detectors.personal_data import PersonalData, PersonalDataParameters
from detectors.portal import Portal, PortalParameters
from detectors.sightings import records
from detectors.sightings.kernels import Limits
from detectors.web_attack import WebAttack, WebAttackParameters

_SECOND = 1_000_000_000
_DAY_S = 86400
_RACE_S = 5
_RECORD_S = 1  # each record of a probe is for itself
_FAULTS_S = 300

T = TypeVar("T", bound=msgspec.Struct)


def told_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Limits:
    """The kernel's limits."""
    account = _of(parameters, Account.id, AccountParameters)
    dga = _of(parameters, Dga.id, DgaParameters)
    leases = _of(parameters, LeaseScan.id, LeaseScanParameters)
    logins = _of(parameters, LoginFailures.id, LoginFailuresParameters)
    answers = _of(parameters, NameAnswers.id, NameAnswersParameters)
    tunnel = _of(parameters, NameTunnel.id, NameTunnelParameters)
    portal = _of(parameters, Portal.id, PortalParameters)
    personal = _of(parameters, PersonalData.id, PersonalDataParameters)
    web = _of(parameters, WebAttack.id, WebAttackParameters)
    windows = np.full(records.KINDS, _DAY_S * _SECOND, np.int64)
    gates = np.ones(records.KINDS, np.int64)
    for kind, window_s, gate in (
        (records.FAILING, dga.window_s, min(dga.made, dga.failing) // 2),
        (records.ZONE, tunnel.window_s, min(tunnel.names // 2, tunnel.few)),
        (records.RACE, _RACE_S, 1),
        (records.SITE, web.window_s, min(web.missing, logins.forms) // 2),
        (records.LOGON, logins.window_s, min(logins.failures // 2, logins.before // 2, logins.quick)),
        (records.PERSONAL, personal.window_s, 1),
        (records.LEASING, leases.window_s, leases.addresses // 2),
        (records.ACCOUNT, account.window_s, account.failures // 2),
        (records.DRIFTED, _RECORD_S, 1),
        (records.FAULTY, _FAULTS_S, portal.errors // 2),
    ):
        windows[kind], gates[kind] = window_s * _SECOND, gate
    return Limits(
        windows=windows, gates=gates,
        failures=min(logins.before, max(1, account.failures // 2)),
        learned=answers.learned,
        night=np.array(account.night, np.int64),
        zone_ns=account.utc_offset_h * 3600 * _SECOND,
        partition=share[0], partitions=share[1],
    )  # fmt: skip


def _of(parameters: Mapping[str, Any], name: str, kind: type[T]) -> T:
    found = parameters[name]
    assert isinstance(found, kind)
    return found
