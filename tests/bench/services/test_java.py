import pytest

from bench.errors import ServiceUnavailable
from bench.services import java


def runtime(folder, *, release=None, says=""):
    """A folder that looks like a runtime: with a release file, or one that has to be asked."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    if release:
        (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{release}"\n')
    return folder


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ({"release": "17.0.15"}, 17),
        ({"release": "25"}, 25),
        ({"release": "1.8.0_402"}, 8),
        ({"says": 'openjdk version "21.0.2" 2024-01-16'}, 21),
        ({"says": 'java version "1.8.0_402"'}, 8),
        ({"says": "Killed"}, 0),
    ],
)
def test_versions(tmp_path, options, version):
    assert java.version_of(runtime(tmp_path / "jvm", **options)) == version


def test_a_folder_without_a_program_is_none(tmp_path):
    assert java.version_of(tmp_path) == 0


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with runtimes 11, 17 and 25, none of them on the PATH."""
    monkeypatch.setattr(java, "USUAL", (str(tmp_path / "jvm"),))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    return {n: runtime(tmp_path / "jvm" / f"java-{n}", release=f"{n}.0.1") for n in (11, 17, 25)}


def test_the_oldest_that_will_do(machine):
    assert java.find_java(17) == machine[17]
    assert java.find_java(21) == machine[25]


def test_java_home_counts(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "own", release="21.0.1")))
    assert java.find_java(21) == tmp_path / "own"


def test_none_that_will_do(machine):
    with pytest.raises(ServiceUnavailable, match="Java 26 or newer"):
        java.find_java(26, install=False)
