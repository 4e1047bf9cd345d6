"""A small register to test with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = """\
units:
  - {id: data, name: 大数据局, name_en: Data Bureau, persons: [{name: 赵, role: security, phone: "1"}]}
  - {id: civil, name: 民政局, parent: data, persons: [{name: 钱}]}
zones:
  - {id: public, name: 公共业务区, name_en: Public zone}
  - {id: edge, name: 互联网区}
systems:
  - {id: portal, name: 门户, unit: data, zone: edge, importance: 4, mlps_level: 3, cii: true}
  - {id: oa, name: 协同办公, unit: data, importance: 3}
assets:
  - {id: web, name: 门户服务器, addresses: [10.0.0.5, "fd00::5"], system: portal}
  - {id: mail, name: 邮件, addresses: [10.0.0.6], system: oa, importance: 5}
  - {id: other, name: 民政库, addresses: [10.0.0.5], domain: vlan 7, unit: civil, importance: 2}
prefixes:
  - {prefix: 10.0.0.0/24, unit: data, zone: public}
  - {prefix: 10.0.0.128/25, unit: civil}
"""


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write(text, name)`: a file of that name with that text."""

    def make(text: str | bytes, name: str = "register.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make
