"""Keywords: each a function that adds to the rule being built, one line of `registry` each."""
