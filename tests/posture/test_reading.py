from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citywall.errors import FaultyInput
from posture import reading
from posture.reading import EXAMPLE, examine, files_of, read
from posture.records import to_text

ROOT = Path(__file__).resolve().parents[2]


def test_one_file_several_or_a_folder_say_the_same(small: str, write):
    sections = ["units", "zones", "systems", "assets", "prefixes"]
    parts, text = {}, small
    for section in reversed(sections):
        head, _, rest = text.rpartition(f"{section}:\n")
        parts[section], text = f"{section}:\n{rest}", head
    whole = read([write(small)])
    # The order of files and of entries means nothing.
    several = [write(part, f"several/{10 - at}-{name}.yml") for at, (name, part) in enumerate(parts.items())]
    assert to_text(read(several)) == to_text(read([several[0].parent])) == to_text(whole)
    assert read([*several, several[0]]) == whole


def test_faults_of_all_files_are_told_in_order(small: str, write):
    files = [
        write(small, "f/a.yaml"), write("zones: 3\n", "f/b.yaml"), write(b"zones: \xff\n", "f/c.yaml"),
        write("x: {\n", "f/d.yaml"), write("units:\n  - {id: data, name: D, persons: []}\n", "f/e.yaml"),
    ]  # fmt: skip
    register, faults = examine([*files, files[0].parent / "absent.yaml"])
    assert register is None
    assert [(Path(f.path).name, f.line, f.key.removeprefix("register_fault.")) for f in faults] == [
        ("b.yaml", 1, "not_list"), ("c.yaml", 1, "not_utf8"), ("d.yaml", 2, "not_yaml"),
        ("e.yaml", 2, "same_id"), ("e.yaml", 2, "nobody"), ("absent.yaml", 0, "unreadable"),
    ]  # fmt: skip
    with pytest.raises(FaultyInput) as raised:
        read(files)
    assert len(raised.value.faults) == 5
    assert str(raised.value).count("\n") == 5
    assert "c.yaml, line 1: is not UTF-8 text" in str(raised.value)


def test_folders_without_a_register(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("x")
    (fault,) = examine([tmp_path])[1]
    assert fault.key == "register_fault.no_files"


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch, small: str, write):
    monkeypatch.setattr(reading, "MAX_BYTES", len(small.encode()) + 2)
    assert examine([write(small)])[0] is not None
    register, faults = examine([write(small), write("# more\n", "more.yaml")])
    assert register is None
    assert [f.key for f in faults] == ["register_fault.too_large"]


def test_a_byte_order_mark_is_no_fault(small: str, write):
    assert examine([write(b"\xef\xbb\xbf" + small.encode())])[1] == []


SYSTEMS = {
    # The systems that plans for a digital government name, each by the word they use for it.
    "政务云", "信创云", "云灾备", "政务外网", "数据共享交换平台", "数据开放平台", "大数据基座",
    "数据安全平台", "基础信息库", "统一身份认证", "电子证照", "电子印章", "电子签名", "电子档案",
    "一体化在线政务服务平台", "公众门户", "移动端", "OA 协同办公", "电子公文交换", "领导驾驶舱", "13710",
    "12345", "互联网+监管", "信用信息", "非税支付", "公共资源交易", "产品追溯", "空间基础信息", "CIM",
    "城市大脑", "城市管理", "综合网格", "应急管理与指挥", "公共事件", "安全生产", "市级运营指挥",
    "网络理政中心", "区县", "统一消息", "跨网交互", "物联网", "视联网", "省级态势感知和指挥平台",
}  # fmt: skip


def test_the_example_has_every_system_of_the_plans():
    register = read([Path(EXAMPLE)])
    names = [system.name for system in register.systems]
    assert not {wanted for wanted in SYSTEMS if not any(wanted in name for name in names)}
    used = {asset.system for asset in register.assets} | {prefix.system for prefix in register.prefixes}
    assert {system.id for system in register.systems} <= used
    for unit in register.units:
        assert unit.name_en
        assert {person.role for person in unit.persons} >= {"head", "security"}
        assert all(person.email.endswith(".example") for person in unit.persons)
    assert {zone.name for zone in register.zones} >= {"互联网区", "跨网交换区", "公共业务区"}
    overlapping = [a for a in register.assets if a.addresses == ("10.0.0.5/32",)]
    assert len({a.domain for a in overlapping}) == 2


def test_the_example_ships_with_the_package():
    import tomllib

    files, _ = files_of([Path(EXAMPLE)])
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert tool["package-data"]["posture"] == ["example/*.yaml"]
    assert len(files) == 5
    assert {file.parent.name for file in files} == {"example"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_register_is_refused_or_still_one(small: str, write, data: st.DataObject):
    raw = bytearray(small.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    register, faults = examine([write(bytes(raw))])
    assert (register is None) == bool(faults)
    for fault in faults:
        assert fault.text("en")
        assert fault.text("zh")
