"""The one door to Numba: decorators, unaligned loads, prefetch and the hash all kernels share.

Under `NUMBA_DISABLE_JIT=1` the intrinsics are replaced by plain Python twins of the same name, so that
kernels can be covered, bounds-checked and fuzzed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import intrinsic

from citywall.kernelcache import folder_for

Python = Callable[..., Any]
Compiled = Callable[..., Any]

JIT: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]

U8 = np.uint64
MIX1 = np.uint64(0x9E3779B97F4A7C15)
MIX2 = np.uint64(0xBF58476D1CE4E5B9)
MIX3 = np.uint64(0x94D049BB133111EB)


def kernel(function: Python) -> Compiled:
    """Compile an entry point: cached on disk, without the GIL, C-like division."""
    return _compile(function, cache=True)


def inline(function: Python) -> Compiled:
    """Compile a helper called only from kernels."""
    return _compile(function)


# Numba counts references to every array handed to a helper, with locked instructions: 50 ns a packet.
# What allocates no array may go without.


def bare_kernel(function: Python) -> Compiled:
    """`kernel` for an entry point that allocates and returns no array: no references are counted."""
    return _compile(function, cache=True, _nrt=False)


def bare_inline(function: Python) -> Compiled:
    """`inline` for a helper that allocates and returns no array: no references counted, always inlined."""
    return _compile(function, _nrt=False, forceinline=True)


def internal(function: Python) -> Compiled:
    """`bare_inline` for what Python never calls: without the wrappers for that, it compiles much faster."""
    return _compile(function, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def helper(function: Python) -> Compiled:
    """`internal` for what is long and called from many places: a call costs less than a copy of it."""
    return _compile(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def shared(function: Python) -> Compiled:
    """`helper` for what is called with many numbers that stand in the code: one for all, not one for each."""
    compiled: Any = helper(function)
    if JIT:
        template = compiled.get_call_template
        compiled.get_call_template = lambda args, kws: template(tuple(map(types.unliteral, args)), kws)
    return cast("Compiled", compiled)


class Locator(UserProvidedCacheLocator):
    """Has Numba keep what it compiles in the folder of the sources' digest, wherever they stand."""

    def __init__(self, function: Python, file: str) -> None:
        super().__init__(function, file)
        self._cache_path = str(folder_for(Path(file)))

    @classmethod
    def from_function(cls, py_func: Python, py_file: str) -> Locator:
        """As Numba asks for it."""
        return cls(py_func, py_file)


def _compile(function: Python, **options: Any) -> Compiled:
    config: Any = numba.config
    jit: Any = numba.njit  # its stubs know neither the options above nor what untyped functions become
    before, config.CACHE_LOCATOR_CLASSES = config.CACHE_LOCATOR_CLASSES, f"{__name__}.{Locator.__name__}"
    try:
        return cast("Compiled", jit(nogil=True, error_model="numpy", **options)(function))
    finally:
        config.CACHE_LOCATOR_CLASSES = before


def _loader(bits: int, result: Any, swap: bool) -> Any:
    @intrinsic
    def load(_typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            at = context.cast(builder, args[1], signature.args[1], types.int64)
            byte = builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [at])
            value = builder.load(builder.bitcast(byte, ir.IntType(bits).as_pointer()))
            value.align = 1
            return builder.bswap(value) if swap else value

        return result(array, offset), generate

    return load


def _storer() -> Any:
    @intrinsic
    def store_le64(_typing: Any, array: Any, offset: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            at = context.cast(builder, args[1], signature.args[1], types.int64)
            byte = builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [at])
            word = context.cast(builder, args[2], signature.args[2], types.uint64)
            builder.store(word, builder.bitcast(byte, ir.IntType(64).as_pointer())).align = 1
            return context.get_dummy_value()

        return types.void(array, offset, value), generate

    return store_le64


def _store_twin(array: Any, offset: int, value: Any) -> None:
    if not 0 <= offset <= len(array) - 8:
        raise IndexError(f"a store of 8 bytes at {offset} is out of bounds")
    array[offset : offset + 8] = np.frombuffer(int(value).to_bytes(8, "little"), np.uint8)


def _zero_counter() -> Any:
    @intrinsic
    def leading_zeros64(_typing: Any, word: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = context.cast(builder, args[0], signature.args[0], types.uint64)
            return builder.ctlz(value, ir.IntType(1)(0))

        return types.int64(word), generate

    return leading_zeros64


def _zeros_twin(word: Any) -> Any:
    return np.int64(64 - int(word).bit_length())


def _prefetcher() -> Any:
    @intrinsic
    def prefetch(_typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            at = context.cast(builder, args[1], signature.args[1], types.int64)
            byte = builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [at])
            i32 = ir.IntType(32)
            hint = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), i32, i32, i32]),
                "llvm.prefetch.p0",
            )
            builder.call(hint, [byte, i32(0), i32(3), i32(1)])
            return context.get_dummy_value()

        return types.void(array, offset), generate

    return prefetch


def _copier() -> Any:
    @intrinsic
    def copy_bytes(_typing: Any, out: Any, at: Any, source: Any, start: Any, n: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def place(array: int) -> Any:
                data = context.make_array(signature.args[array])(context, builder, args[array]).data
                offset = context.cast(builder, args[array + 1], signature.args[array + 1], types.int64)
                return builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [offset])

            count = context.cast(builder, args[4], signature.args[4], types.int64)
            cgutils.raw_memcpy(builder, place(0), place(2), count, 1)
            return context.get_dummy_value()

        return types.void(out, at, source, start, n), generate

    return copy_bytes


def _copy_twin(out: Any, at: int, source: Any, start: int, n: int) -> None:
    if not (0 <= at <= at + n <= len(out) and 0 <= start <= start + n <= len(source)):
        raise IndexError(f"a copy of {n} bytes from {start} to {at} is out of bounds")
    out[at : at + n] = source[start : start + n]


def _twin(size: int, order: str, result: Any) -> Any:
    def load(array: Any, offset: int) -> Any:
        raw = array.view(np.uint8).reshape(-1)[offset : offset + size]
        if len(raw) != size:
            raise IndexError(f"load of {size} bytes at {offset} is out of bounds")
        return result(int.from_bytes(raw.tobytes(), order))  # type: ignore[arg-type]

    return load


def _no_prefetch(_array: Any, _offset: int) -> None:
    return None


# load_leNN / load_beNN(array, byte offset): unaligned loads of NN bits. The caller checks bounds.
# store_le64(array of bytes, byte offset, word): an unaligned store. The caller checks bounds.
# leading_zeros64(word): zero bits above its highest set one, 64 for 0.
# prefetch(array, byte offset): hint only; any offset is harmless.
# copy_bytes(out, at, source, start, n): n bytes of one array of bytes into another. The caller checks bounds.
if JIT:
    load_le16 = _loader(16, types.uint16, swap=False)
    load_be16 = _loader(16, types.uint16, swap=True)
    load_le32 = _loader(32, types.uint32, swap=False)
    load_be32 = _loader(32, types.uint32, swap=True)
    load_le64 = _loader(64, types.uint64, swap=False)
    load_be64 = _loader(64, types.uint64, swap=True)
    store_le64 = _storer()
    leading_zeros64 = _zero_counter()
    prefetch = _prefetcher()
    copy_bytes = _copier()
else:
    load_le16 = _twin(2, "little", np.uint16)
    load_be16 = _twin(2, "big", np.uint16)
    load_le32 = _twin(4, "little", np.uint32)
    load_be32 = _twin(4, "big", np.uint32)
    load_le64 = _twin(8, "little", np.uint64)
    load_be64 = _twin(8, "big", np.uint64)
    store_le64 = _store_twin
    leading_zeros64 = _zeros_twin
    prefetch = _no_prefetch
    copy_bytes = _copy_twin


@inline
def mix64(h: Any) -> Any:
    """Finish a 64-bit hash (after Steele and Lea's SplitMix64)."""
    h = (h ^ (h >> U8(30))) * MIX2
    h = (h ^ (h >> U8(27))) * MIX3
    return h ^ (h >> U8(31))


@inline
def hash_address(hi: Any, lo: Any, salt: Any) -> Any:
    """A 64-bit hash of a 128-bit address and a 64-bit salt (domain, port or role)."""
    h = (hi ^ MIX1) * MIX2
    h = (h ^ (h >> U8(32)) ^ lo) * MIX3
    h = (h ^ (h >> U8(32)) ^ salt) * MIX2
    return h ^ (h >> U8(29))


@inline
def popcount64(b: Any) -> Any:
    """Number of set bits."""
    b = b - ((b >> U8(1)) & U8(0x5555555555555555))
    b = (b & U8(0x3333333333333333)) + ((b >> U8(2)) & U8(0x3333333333333333))
    b = (b + (b >> U8(4))) & U8(0x0F0F0F0F0F0F0F0F)
    return np.int64((b * U8(0x0101010101010101)) >> U8(56))
