from __future__ import annotations

import pytest

from ingest.portals import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("澳门 葡京 百家乐", ("澳门葡京", "百家乐")),
        ("博·彩", ("博彩",)),
        ("ＢＥＴ３６５ 注册", ("bet365",)),
        ("Casino Online now", ("casino online",)),
        ("sporn and reporn", ()),
        ("某市人民政府关于公共资源交易的通知", ()),
        ("", ()),
    ],
)
def test_words_are_found_in_disguise_and_whole(text: str, found: tuple[str, ...]) -> None:
    assert words.found_in(text) == found


def test_the_vocabulary_is_in_plain_form_and_nothing_is_in_it_twice() -> None:
    every = [word for group in words.vocabulary().values() for word in group]
    assert len(every) == len(set(every)) > 100
    assert all(words.found_in(word) for word in every)
