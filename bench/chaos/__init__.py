"""Killing parts of a running Citywall at random, and comparing what is left with an undisturbed run."""
