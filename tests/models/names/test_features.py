"""One definition of a name's features, and lexicons that are none."""

from __future__ import annotations

import numpy as np
import pytest

from models.names import lexicon
from models.names.features import NAMES, Lexicon, joined, key


def test_a_names_features_do_not_depend_on_its_company():
    known = lexicon.learn(["abc.com"], ["shop"])
    names = ["taiyuan.gov.cn", "xq9z.top", "shop.com"]
    together = known.features(names)
    for i, name in enumerate(names):
        np.testing.assert_array_equal(known.features([name])[0], together[i])
    text, offsets = joined(names)
    np.testing.assert_array_equal(known.features_of(text, offsets), together)
    assert known.features([]).shape == (0, len(NAMES))


def test_keys_are_told_apart():
    words = ["a", "aa", "a0", "0a", "z", "z9-"]
    assert len({key(w) for w in words}) == len(words)


def test_what_is_no_lexicon():
    known = lexicon.learn(["abc.com"], ["shop"])
    with pytest.raises(ValueError, match="every three characters"):
        Lexicon(known.likely[:2], known.syllables, known.words)
    with pytest.raises(ValueError, match="in order"):
        Lexicon(known.likely, known.syllables[::-1], known.words)
