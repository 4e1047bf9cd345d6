"""The bundle's parts. The whole of it needs the network and minutes: `make bundle`."""

import importlib.util
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("bundle_make", DEPLOY / "bundle" / "make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # data classes look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def wheel(folder, name, metadata="", version="1.0", tag="py3-none-any"):
    """A wheel that pip can install: a module, and what it says of itself."""
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "def main(): print('it runs')\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}\n"
        )
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: GPL-2.0-only\nLicense: something else", "GPL-2.0-only"),
        ("License: MIT", "MIT"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License", "BSD License"),
        (
            "License: Copyright (c) of all\n        whom it concerns\nClassifier: License :: OSI Approved",
            "see the wheel",
        ),
        (
            "Classifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
        ),
        ("", "see the wheel"),
    ],
)
def test_licences_are_what_the_wheel_says(make, tmp_path, metadata, licence):
    assert make.licence_of(wheel(tmp_path, "some_thing", metadata)) == make.Licence(
        "some-thing", "1.0", licence
    )


def test_scapy_is_named(make):
    page = make.licence_page({make.Licence("scapy", "2.8.0", "GPL-2.0-only"), make.Licence("a", "1", "MIT")})
    assert "Scapy is GPL-2.0-only. It is an unmodified dependency" in page
    assert page.index("| a | 1 | MIT |") < page.index("| scapy | 2.8.0 | GPL-2.0-only |")


def test_wheels_are_asked_for_one_machine_and_interpreter(make):
    options = make.target_options("aarch64", "3.12")
    assert "cp312" in options
    assert "manylinux_2_28_aarch64" in options
    assert not [text for text in options if "x86" in text or "cp311" in text]


def test_bad_use_is_2(make):
    with pytest.raises(SystemExit, match="2"):
        make.main(["--python", "3.8"])


@pytest.fixture
def bundle(make, tmp_path):
    """A bundle in form, of a package called citywall without dependencies, and the real pip."""
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    wheel(folder / "wheels", "citywall")
    pip = next(Path(p) for p in sys.path if (Path(p) / "pip" / "__init__.py").is_file())
    version = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=True
    )
    number = version.stdout.split()[1]
    with zipfile.ZipFile(folder / "wheels" / f"pip-{number}-py3-none-any.whl", "w") as archive:
        for base in (pip / "pip", pip / f"pip-{number}.dist-info"):
            for path in base.rglob("*"):
                if "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(pip))
    (folder / "requirements.txt").write_text(f"citywall==1.0\npip=={number}\n")
    (folder / "TARGET").write_text(f"machine={platform.machine()}\npythons={PYTHON}\n")
    (folder / "install.sh").write_bytes((DEPLOY / "bundle" / "install.sh").read_bytes())
    make.write_checksums(folder)
    return folder


def install(bundle, prefix, **environment):
    variables = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "HOME": str(bundle), **environment}
    # No index: what is not in the bundle is not to come from elsewhere.
    return subprocess.run(
        ["/bin/sh", bundle / "install.sh", prefix], capture_output=True, text=True, check=False, env=variables
    )


def test_it_installs_and_installs_again(bundle, tmp_path):
    for _ in range(2):
        done = install(bundle, tmp_path / "prefix")
        assert (done.returncode, done.stdout, done.stderr) == (0, "it runs\n", "")
    assert (tmp_path / "prefix" / "bin" / "citywall").is_file()


def test_what_is_damaged_is_not_installed(bundle, tmp_path):
    with next((bundle / "wheels").glob("citywall*")).open("ab") as file:
        file.write(b"x")
    done = install(bundle, tmp_path / "prefix")
    assert done.returncode == 1
    assert "wheels/citywall-1.0-py3-none-any.whl: FAILED" in done.stdout + done.stderr
    assert "the bundle is damaged" in done.stderr
    assert not (tmp_path / "prefix").exists()


def test_what_was_slipped_in_is_not_installed(bundle, tmp_path):
    wheel(bundle / "wheels", "citywall", version="9.9")
    done = install(bundle, tmp_path / "prefix")
    assert (done.returncode, done.stdout) == (1, "")
    assert "citywall-9.9-py3-none-any.whl does not belong to the bundle" in done.stderr
    assert not (tmp_path / "prefix").exists()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (f"machine=vax\npythons={PYTHON}\n", "this bundle is for vax, this machine is"),
        (f"machine={platform.machine()}\npythons=3.99\n", "Python 3.99 is needed"),
    ],
)
def test_another_machine_or_python_is_refused(make, bundle, tmp_path, target, told):
    (bundle / "TARGET").write_text(target)
    make.write_checksums(bundle)
    done = install(bundle, tmp_path / "prefix")
    assert done.returncode == 1
    assert told in done.stderr


def test_a_folder_of_somebody_elses_is_left_alone(bundle, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "will.txt").write_text("all to the cat")
    done = install(bundle, tmp_path / "papers")
    assert done.returncode == 1
    assert "is not empty and holds no Citywall" in done.stderr
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["will.txt"]
