"""Attacks that guess passwords."""

from __future__ import annotations

from drills.stage import Stage, Tcp
from drills.traffic.operations import ssh_greeting, ssh_session
from drills.traffic.plan import Ends


def ssh(
    stage: Stage, start: int, *, source: str = "192.0.2.140", target: str = "bastion", attempts: int = 100,
    seconds: int = 75, success: bool = True,
) -> Ends:  # fmt: skip
    """SSH passwords of a host are guessed one connection each, until one is right (if there is `success`)."""
    attacker, server = stage.party(source), stage.party(target)
    tries = max(min(40, attempts), int(attempts * stage.scale))
    pause = seconds * stage.scale / tries
    time = start
    for _ in range(tries):
        tcp = Tcp(stage, attacker, server, 22, time, rtt=0.01).open()
        ssh_greeting(tcp, stage).send(stage.junk(148)).reply(stage.junk(52)).close()
        time += int(stage.dice.uniform(0.7, 1.3) * pause * 1_000_000_000)
    if success:
        tcp = Tcp(stage, attacker, server, 22, time, rtt=0.01).open()
        ssh_session(ssh_greeting(tcp, stage), stage, 45, pause=0.8 * stage.scale)
    return Ends((attacker.address,), (server.address,))
