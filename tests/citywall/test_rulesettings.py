from __future__ import annotations

import pytest

from citywall import settings
from citywall.errors import InputError, SettingsError


def test_a_run_with_other_rules_is_another_session(tmp_path):
    path = tmp_path / "a.rules"
    path.write_text("one")
    plain = settings.load()
    ruled = settings.load(assignments=[f'rules.files=["{path}"]'])
    first = settings.results_digest(ruled)
    assert settings.results_digest(plain) != first
    path.write_text("two")
    assert settings.results_digest(ruled) != first


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError):
        settings.results_digest(settings.load(assignments=[f'rules.files=["{tmp_path}/none"]']))
    with pytest.raises(SettingsError):
        settings.load(assignments=["rules.nonsense=1"])


def test_lists_sigma_rules_and_the_version_of_a_folder_are_part_of_a_session(tmp_path):
    (tmp_path / "sigma").mkdir()
    (tmp_path / "folder").mkdir()
    files = [
        tmp_path / "l.txt",
        tmp_path / "sigma" / "a.yml",
        tmp_path / "folder" / "current",
        tmp_path / "limits",
    ]
    for file in files:
        file.write_text("one")
    given = settings.load(
        assignments=[
            f'rules.indicators=["{tmp_path}/l.txt"]', f'rules.sigma=["{tmp_path}/sigma"]',
            f"rules.folder={tmp_path}/folder", f"rules.threshold_file={tmp_path}/limits",
        ]
    )  # fmt: skip
    digests = {settings.results_digest(settings.load()), settings.results_digest(given)}
    for file in files:
        file.write_text("two")
        digests.add(settings.results_digest(given))
    (tmp_path / "sigma" / "readme.md").write_text("no rule")
    digests.add(settings.results_digest(given))
    assert len(digests) == 2 + len(files)
    assert given.rules.watched


def test_a_folder_that_has_no_rules_yet_names_no_other_session(tmp_path):
    plain = settings.results_digest(settings.Settings())
    given = [f"rules.folder={tmp_path}", "rules.by_version=false"]  # as a service has it
    waiting = settings.load(environment={}, assignments=given)
    lasting = settings.results_digest(waiting, lasting=True)
    assert waiting.rules.waiting
    assert settings.results_digest(waiting) == plain != lasting
    (tmp_path / "current").write_text("{}")
    assert not waiting.rules.waiting
    assert settings.results_digest(waiting) == settings.results_digest(waiting, lasting=True) == lasting
