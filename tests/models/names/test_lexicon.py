"""Pinyin, words, and letters that follow each other."""

from __future__ import annotations

import numpy as np

from models.names import lexicon


def test_syllables_are_those_of_the_standard():
    assert 395 <= len(lexicon.SYLLABLES) <= 415
    assert {"zhuang", "er", "xiong", "lv", "nve" if "nve" in lexicon.SYLLABLES else "nue", "yuan"} <= set(
        lexicon.SYLLABLES
    )
    assert not {"zig", "bong", "qa", "vo"} & set(lexicon.SYLLABLES)


def test_words_come_from_what_may_be_passed_on():
    words = lexicon.english()
    assert len(words) > 1500
    assert {"value", "function"} <= set(words[:200])
    assert all(3 <= len(w) <= 11 for w in words)


def test_likelihoods_are_a_distribution():
    known = lexicon.learn(["taiyuan.gov.cn", "shop.com"], ["shop"])
    np.testing.assert_allclose(np.exp2(known.likely.astype(float)).sum(axis=2), 1, rtol=1e-5)
    assert known.likely[18, 7, 14] > known.likely[18, 7, 25]  # "sho" beside "shz"
