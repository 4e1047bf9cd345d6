"""Side-by-side benchmarks: ours and its peers on the same generated capture, in one run, on one core.

`python -m bench [NAME...]` measures; `python -m bench table` writes the README's table from what was kept.
The process that measures imports neither NumPy nor Numba: every measured run is a child of its own, and a
child's peak memory would otherwise start at its parent's.
"""
