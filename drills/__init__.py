"""Scenes with known attacks: the synthesiser and its ground truth."""
