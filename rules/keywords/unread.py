"""Keywords that are read, so that their rules load, and never matched."""

from __future__ import annotations

from rules.keywords.application import understood

KEYWORDS = {
    "flowvar": understood("flowvar", "", "variables that expressions set are not compared"),
    "luaxform": understood("luaxform", "", "scripts are not run"),
}
