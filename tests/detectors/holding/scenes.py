"""Scenes of what is held open: hostile ones with what must be found, benign ones with nothing."""

from __future__ import annotations

from detector_scenes import Scene
from relation_scenes import inside, outside

from citywall.batches import ACK, FIN, PSH, SYN, TCP

OPEN = (SYN | ACK | PSH, SYN | ACK)
OVER = (SYN | ACK | PSH | FIN, SYN | ACK | PSH | FIN)


def line(
    scene: Scene, at: float, src: str, dst: str, port: int = 80, *, sent: int = 400, back: int = 0,
    lasts: float = 45.0, flags: tuple[int, int] = OPEN,
) -> Scene:  # fmt: skip
    """One connection with so few bytes of payload each way."""
    packets = max(4, int(lasts) // 10)
    return scene.flow(
        at, src, dst, TCP, None, port, packets, packets, sent, back, lasts, first=SYN, flags=flags
    )  # fmt: skip


def slow_heads(six: bool = False) -> Scene:
    """One source begins sixty requests and ends none."""
    scene = Scene()
    for i in range(60):
        line(scene, i * 0.5, outside(7, six), inside(3, six, 2))
    return scene


def slow_reading(six: bool = False) -> Scene:
    """One source takes a hundred and fifty answers a few bytes at a time."""
    scene = Scene()
    for i in range(150):
        line(scene, i * 0.3, outside(7, six), inside(3, six, 2), 443, sent=900, back=4500)
    return scene


def many_slow(six: bool = False) -> Scene:
    """Eighty sources with four requests each that are never finished."""
    scene = Scene()
    for i in range(320):
        line(scene, i * 0.2, outside(i % 80, six), inside(3, six, 2))
    return scene


def copied_by_volume(six: bool = False, after: float = 4000.0) -> Scene:
    """A directory server that answers procedures with kilobytes, and then one host with megabytes."""
    scene, server = Scene(), inside(3, six, 2)
    rpc = b"\x05\x00\x00\x03\x10"
    for i in range(80):
        client, at = inside(20 + i * 7 % 11, six, 1), i * 45.0 + i * i * 7919 % 331
        scene.tcp(at, client, server, 88, "talk")
        scene.tcp(at + 1, client, server, 49667, "talk", asks=rpc, greets=rpc)
    return scene.tcp(
        after, inside(9, six, 1), server, 49667, "talk", asks=rpc, greets=rpc, scale=1200, lasts=3
    )


def few_heads(six: bool = False) -> Scene:
    """Just enough unfinished requests of one source."""
    scene = Scene()
    for i in range(40):
        line(scene, i * 0.2, outside(7, six), inside(3, six, 2), lasts=33.0)
    return scene


HOSTILE = {
    ("slowflood", "unfinished"): slow_heads,
    ("slowflood", "held"): slow_reading,
    ("dcsync", "large_answers"): copied_by_volume,
}


def patient(six: bool = False) -> Scene:
    """Browsers that keep their connections, some before they asked; messengers behind one address."""
    scene = Scene()
    for i in range(40):
        for j in range(5):
            at, back = i * 2 + j * 0.1, 0 if j == 4 else 6000
            line(scene, at, outside(i, six), inside(3, six, 2), 443, sent=back and 700, back=back, flags=OVER)
    for i in range(160):
        line(scene, i * 0.5, outside(7, six), inside(25, six, 2), 5222, sent=600, back=2000)
    return scene


def pool(six: bool = False) -> Scene:
    """A proxy of ours with two hundred idle connections to what stands behind it."""
    scene = Scene()
    for i in range(200):
        line(scene, i * 0.1, inside(8, six, 2), inside(3, six, 2), 8080, sent=900, back=3000)
    return scene


def replicas(six: bool = False) -> Scene:
    """The same megabytes every quarter of an hour, as between controllers."""
    scene = copied_by_volume(six, after=600.0)
    for i in range(1, 12):
        scene.rows += copied_by_volume(six, after=600.0 + i * 950).rows[-6:]
    return scene


BENIGN = {"patient clients": patient, "idle pool": pool}
