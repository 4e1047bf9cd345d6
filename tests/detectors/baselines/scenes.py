"""Scenes of hours and days: hostile ones with what must be found, benign ones with nothing."""

from __future__ import annotations

from detector_scenes import Scene
from relation_scenes import OPENED, inside, outside

from citywall.batches import TCP
from detectors.baselines.kernels import SAMPLE

HOUR, DAY = 3600.0, 86_400.0
#: Hours from the scenes' beginning (a Tuesday, 22:13 UTC) to the next midnight of the house's clock.
MIDNIGHT = 17 * HOUR + 46 * 60 + 40


MASK = (1 << 64) - 1


def mixed64(h: int) -> int:
    """Twin of citywall.kernels.mix64."""
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK
    h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK
    return h ^ h >> 31


class Sampled(Scene):
    """A scene whose every flow is of the sample that the clock of sweeps goes by, so that few flows do."""

    def flow(self, *args: object, **more: object) -> Scene:
        """As in any scene, with another flow id."""
        at = len(self.rows)
        super().flow(*args, **more)  # type: ignore[arg-type]
        number = self.frame << 40
        while mixed64(number) % SAMPLE:
            number += 1
        for row in self.rows[at:]:
            row["flow_id"] = number
        return self


def slow_hosts(six: bool = False) -> Scene:
    """A host every ten minutes, for nine hours, nobody there."""
    scene = Scene()
    for i in range(54):
        scene.tcp(i * 600.0, inside(9, six, 17), inside(i, six, 18), 445, "silent")
    return scene


def slow_ports(six: bool = False) -> Scene:
    """A port every ten minutes, for ten hours, all shut."""
    scene = Scene()
    for i in range(60):
        scene.tcp(i * 600.0, inside(9, six, 17), inside(7, six, 18), 1000 + i, "refused")
    return scene


def prefix_sweep(six: bool = False) -> Scene:
    """The first host of each of forty prefixes, one every ten minutes."""
    scene = Scene()
    for i in range(40):
        target = f"fd10:{i + 16:x}::1" if six else f"10.9.{i}.1"
        scene.tcp(i * 600.0, inside(9, six, 17), target, 22, "silent")
    return scene


def shared_ports(six: bool = False) -> Scene:
    """Forty sources try eight ports each of one host, no port twice, for an hour and a half."""
    scene = Scene()
    for i in range(320):
        scene.tcp(i * 17.0, outside(i % 40, six), inside(7, six, 18), 1000 + 37 * i, "silent")
    return scene


def shared_hosts(six: bool = False) -> Scene:
    """Fifty sources share the hosts of a prefix at one port, four each."""
    scene = Scene()
    for i in range(200):
        scene.tcp(i * 25.0, outside(i % 50, six), inside(i, six, 18), 3306, "silent")
    return scene


def request_flood(six: bool = False) -> Scene:
    """Four hundred connections a second from sixty hosts, each with a request and an answer."""
    scene = Scene()
    for i in range(1200):
        scene.tcp(i / 400, outside(i % 60, six), inside(7, six, 2), 80, "talk", asks=b"GET / HT", lasts=0.2)
    return scene


def ack_flood(six: bool = False) -> Scene:
    """Segments of no connection, all of them reset."""
    scene = Scene()
    for i in range(1000):
        scene.tcp(i / 400, outside(i % 500, six), inside(7, six, 2), 80, "ack_probe", lasts=0.0)
    return scene


def _bulk(
    scene: Scene, at: float, src: str, dst: str, port: int, megabytes: float, took: float = 2.0
) -> None:
    size = int(megabytes * 1e6)
    scene.flow(
        at, src, dst, TCP, None, port, size // 1200 + 5, size // 2400 + 5, size, 20_000, took, **OPENED
    )


def office(six: bool = False, days: int = 8) -> Scene:
    """A host that sends ten megabytes an hour to the file server by day, and little at night."""
    scene = Scene()
    for day in range(days):
        for hour in range(0, 24, 2):
            size = 10 + hour if 8 <= hour <= 18 else 1
            at = MIDNIGHT + day * DAY + hour * HOUR + 300
            _bulk(scene, at, inside(9, six, 1), inside(7, six, 2), 445, size)
    return scene


def night_upload(six: bool = False) -> Scene:
    """That host, and one night three gigabytes."""
    scene = office(six)
    _bulk(scene, MIDNIGHT + 7 * DAY + 2 * HOUR + 900, inside(9, six, 1), inside(7, six, 2), 445, 3000, 5.0)
    return scene


def backups(six: bool = False, nights: int = 6, goes_on: float = 3.0) -> Scene:
    """A backup each night at two; the web goes on for some days after the last of them."""
    scene = Sampled()
    for night in range(nights):
        at = MIDNIGHT + night * DAY + 2 * HOUR + 60 * (night % 3)
        _bulk(scene, at, inside(9, six, 2), inside(7, six, 3), 10_000, 900, 3.0)
    for i in range(int((nights + goes_on) * 24)):  # the clock of the sweeps
        scene.tcp(MIDNIGHT + i * HOUR, inside(i % 5, six, 1), outside(7, six), 443, "talk")
    return scene


def missed_backup(six: bool = False) -> Scene:
    """No backup any more."""
    return backups(six)


def shrunken_backup(six: bool = False) -> Scene:
    """The last backup moves hardly anything."""
    scene = backups(six, goes_on=1.0)
    _bulk(scene, MIDNIGHT + 6 * DAY + 2 * HOUR, inside(9, six, 2), inside(7, six, 3), 10_000, 5, 1.0)
    return scene


def segments(
    six: bool = False, until: float = 60.0, halved: float = 1e9, every: float = 1200.0, hours: float = 36.0
) -> Scene:
    """Two VLANs with flows at even intervals; one stops after so many hours, or is seen by halves."""
    scene = Sampled()
    for i in range(int(hours * HOUR / every)):
        at = i * every
        scene.tcp(at, inside(i % 9, six, 1), outside(7, six), 443, "talk", vlan=11)
        if at < until * HOUR:
            form = "talk" if at < halved * HOUR or i % 2 else "one_sided"
            scene.tcp(at + 1, inside(i % 9, six, 4), outside(8, six), 443, form, vlan=12)
    return scene


def silent_segment(six: bool = False) -> Scene:
    """One of the VLANs falls silent after a day."""
    return segments(six, until=27.0)


#: What must be found above LOW, and nothing else at MEDIUM or more.
HOSTILE = {
    ("slowscan", "slow_hosts"): slow_hosts,
    ("slowscan", "slow_ports"): slow_ports,
    ("slowscan", "prefix_sweep"): prefix_sweep,
    ("slowscan", "shared_ports"): shared_ports,
    ("slowscan", "shared_hosts"): shared_hosts,
    ("requests", "request_flood"): request_flood,
    ("requests", "ack_flood"): ack_flood,
    ("volume", "sent"): night_upload,
    ("jobs", "missed"): missed_backup,
    ("jobs", "shrunken"): shrunken_backup,
    ("sensors", "silent"): silent_segment,
}


def broken_client(six: bool = False) -> Scene:
    """A client that asks for four hosts that moved away, every minute of half a day."""
    scene = Scene()
    for i in range(720):
        scene.tcp(i * 60.0, inside(9, six, 1), inside(i % 4, six, 2), 8080, "silent")
    return scene


def browsing_dead_links(six: bool = False) -> Scene:
    """A day of the web in which one site in ten is gone."""
    scene = Scene()
    for i in range(600):
        form = "silent" if i % 10 == 3 else "talk"
        scene.tcp(i * 100.0, inside(9, six, 1), outside(i, six), 443, form)
    return scene


def strangers(six: bool = False) -> Scene:
    """What a network sees of the world: strangers to each other ask for the same ports again."""
    scene = Scene()
    for i in range(500):
        port = (22, 23, 80, 443, 445, 3389, 8080, 1433, 5900, 6379)[i * 7 % 10]
        scene.tcp(i * 20.0, outside(i * 13 % 400, six), inside(i * 31 % 3, six, 2), port, "silent")
    return scene


def busy_portal(six: bool = False) -> Scene:
    """Forty visitors a second, and a rush of eighty."""
    scene = Scene()
    for i in range(2400):
        scene.tcp(i / 40 if i < 1200 else 30 + (i - 1200) / 80, outside(i % 900, six), inside(7, six, 2), 443)
    return scene


def quiet_office(six: bool = False) -> Scene:
    """A host as on any day."""
    return office(six, days=9)


def kept_backups(six: bool = False) -> Scene:
    """Backups that run, one of them two hours late."""
    scene = backups(six, goes_on=1.0)
    _bulk(scene, MIDNIGHT + 6 * DAY + 4 * HOUR - 60, inside(9, six, 2), inside(7, six, 3), 10_000, 700, 3.0)
    return scene


def kept_segments(six: bool = False) -> Scene:
    """Both VLANs speak on."""
    return segments(six)


BENIGN = {
    "broken_client": broken_client,
    "browsing_dead_links": browsing_dead_links,
    "strangers": strangers,
    "busy_portal": busy_portal,
    "quiet_office": quiet_office,
    "kept_backups": kept_backups,
    "kept_segments": kept_segments,
}
