"""Entering things into sketches: HyperLogLog, linear counting, Space-Saving, a decayed mean, a median.

Every one is plain integers in a row of an array beside a record, so that it is kept and restored with it.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal, leading_zeros64

U8 = np.uint64


@internal
def note_rank(registers, i, h):
    """Enter a hash into the i-th HyperLogLog (Flajolet et al. 2007); whether a register rose.

    The low bits choose the register, the zeros above bit 12 its rank: at most 4096 registers.
    """
    register = np.int64(h & U8(registers.shape[1] - 1))
    rank = leading_zeros64(h & ~U8(0xFFF)) + 1 if h >> U8(12) != U8(0) else np.int64(53)
    if rank > registers[i, register]:
        registers[i, register] = rank
        return True
    return False


@internal
def note_bit(bits, i, h):
    """Enter a hash into the i-th linear counter (Whang et al. 1990); whether its bit was clear."""
    words = bits.shape[1]
    at = np.int64(h & U8(64 * words - 1))
    word, bit = at >> 6, U8(1) << U8(at & 63)
    before = bits[i, word]
    bits[i, word] = before | bit
    return before & bit == U8(0)


@internal
def save_space(names, counts, i, h, weight):
    """Enter a hash into the i-th Space-Saving summary (Metwally et al. 2005).

    A count is never below the truth and above it by at most the whole over the number of counters.
    """
    least = 0
    for k in range(names.shape[1]):
        if counts[i, k] > 0 and names[i, k] == h:
            counts[i, k] += weight
            return
        if counts[i, k] < counts[i, least]:
            least = k
    names[i, least] = h
    counts[i, least] += weight


@internal
def decayed(mean, value, shift, steps):
    """An exponentially decayed mean in integers: one step with `value`, then `steps - 1` with nothing."""
    mean += (value - mean) >> shift
    for _ in range(min(steps - 1, np.int64(1) << (shift + 4))):
        if mean == 0:
            break
        mean -= max(mean >> shift, np.int64(1)) if mean > 0 else np.int64(0)
    return max(mean, np.int64(0))


@internal
def median_of(values, count):
    """Sort `values[:count]` in place; its lower median, 0 of nothing."""
    for k in range(1, count):
        value = values[k]
        j = k
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    return values[(count - 1) >> 1] if count > 0 else np.int64(0)


@internal
def deviation_of(values, count, median):
    """The lower median of the distances of `values[:count]` from their median (MAD); overwrites them."""
    for k in range(count):
        values[k] = abs(values[k] - median)
    return median_of(values, count)


# --- whole columns, for tests and benchmarks --------------------------------------------------------------


@bare_kernel
def note_ranks(registers, i, hashes):
    """Enter many hashes into a HyperLogLog; how often a register rose."""
    rose = 0
    for h in hashes:
        if note_rank(registers, i, h):
            rose += 1
    return rose


@bare_kernel
def note_bits(bits, i, hashes):
    """Enter many hashes into a linear counter; how many bits were clear."""
    fresh = 0
    for h in hashes:
        if note_bit(bits, i, h):
            fresh += 1
    return fresh


@bare_kernel
def save_spaces(names, counts, i, hashes):
    """Enter many hashes into a Space-Saving summary, each once."""
    for h in hashes:
        save_space(names, counts, i, h, np.int64(1))


@bare_kernel
def decay_many(values, shift):
    """The decayed mean after each of `values` in turn."""
    mean = np.int64(0)
    for value in values:
        mean = decayed(mean, value, shift, np.int64(1))
    return mean


@bare_kernel
def median_and_deviation(values):
    """Lower median and MAD of `values`, which are overwritten."""
    count = np.int64(values.shape[0])
    median = median_of(values, count)
    return median, deviation_of(values, count, median)
