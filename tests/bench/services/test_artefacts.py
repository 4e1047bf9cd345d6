import hashlib
import stat
import threading
import zipfile
from xml.etree import ElementTree as ET

import pytest

from bench.errors import ServiceUnavailable
from bench.services import artefacts, kafka
from bench.services.artefacts import Coordinate, Program

NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "citywall" / "services"


def test_the_pom_names_every_coordinate():
    root = ET.fromstring(kafka.PROGRAM.pom)
    found = [
        Coordinate(
            *(
                entry.findtext(f"m:{tag}", "", NAMESPACE)
                for tag in ("groupId", "artifactId", "version", "type")
            )
        )
        for entry in root.iterfind("m:dependencies/m:dependency", NAMESPACE)
    ]
    assert tuple(found) == kafka.PROGRAM.coordinates


def test_the_cache_is_the_users_own(empty_cache, monkeypatch, tmp_path):
    assert artefacts.cache_folder() == empty_cache
    assert empty_cache.is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, by the standard
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert artefacts.cache_folder() == tmp_path / "home" / ".cache" / "citywall" / "services"


def test_what_is_kept_is_not_fetched_again(empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (empty_cache / "thing-1").mkdir(parents=True)
    assert Program("thing-1", ()).obtain() == empty_cache / "thing-1"


def test_without_maven_it_says_what_to_install(empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceUnavailable, match="apt-get install maven"):
        Program("thing-1", ()).obtain()
    assert not (empty_cache / "thing-1").exists()


def test_what_cannot_be_fetched_leaves_nothing(empty_cache, tmp_path, monkeypatch):
    # A Maven that fails as Maven does, without asking the network.
    failing = tmp_path / "bin" / "mvn"
    failing.parent.mkdir()
    failing.write_text("#!/bin/sh\necho '[ERROR] Could not find artifact a:b:jar:1'\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{failing.parent}:/usr/bin:/bin")
    with pytest.raises(ServiceUnavailable, match="Could not find artifact a:b:jar:1"):
        Program("thing-1", (Coordinate("a", "b", "1"),)).obtain()
    assert [path.name for path in empty_cache.iterdir()] == ["thing-1.lock"]


@pytest.mark.parametrize(("content", "refused"), [("as told", False), ("altered", True)])
def test_what_was_fetched_is_what_it_must_be(empty_cache, tmp_path, monkeypatch, content, refused):
    # A Maven that copies one file, and is not asked for checksums: those of the artefact are ours.
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(
        "#!/bin/sh\n"
        'for a in "$@"; do case $a in -C) exit 1;; -DoutputDirectory=*) out=${a#*=};; esac; done\n'
        f'mkdir -p "$out"; printf "{content}" > "$out/b-1.jar"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    digest = hashlib.sha256(b"as told").hexdigest()
    program = Program("thing-1", (Coordinate("a", "b", "1", sha256=digest),))
    if refused:
        with pytest.raises(ServiceUnavailable, match=r"b-1\.jar as fetched has the SHA-256"):
            program.obtain()
        assert [path.name for path in empty_cache.iterdir()] == ["thing-1.lock"]
    else:
        assert (program.obtain() / "b-1.jar").read_text() == content


def test_unpacking_keeps_permissions(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("a/run")
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, "#!/bin/sh\n")
    artefacts.unpack(tmp_path / "a.zip", tmp_path)
    assert stat.S_IMODE((tmp_path / "a" / "run").stat().st_mode) == 0o755


def test_one_at_a_time(tmp_path):
    inside, order = threading.Event(), []

    def second():
        inside.wait()
        with artefacts.alone(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with artefacts.alone(tmp_path / "lock"):
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
