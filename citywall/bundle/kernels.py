"""Many arrays given to helpers as one pointer.

A helper that is handed a named tuple of arrays is handed every number of every array by itself: seven for
each, so that a call with twenty arrays writes 150 words to the stack, and that for each row it adds. Where
the tuple is handed on by pointer a call costs as if there were one argument, and a helper loads what it uses.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

from citywall.kernels import JIT


class Bundle(types.Type):
    """The type of a named tuple that is handed on by pointer; `of` is the tuple's."""

    def __init__(self, of: Any) -> None:
        self.of = of
        super().__init__(name=f"Bundle({of})")


@register_model(Bundle)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, ir.IntType(8).as_pointer())


@infer_getattr
class _Attributes(AttributeTemplate):
    key = Bundle

    def generic_resolve(self, bundle: Any, name: str) -> Any:  # type: ignore[override]
        fields = bundle.of.fields
        return bundle.of.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(Bundle)  # type: ignore[untyped-decorator]
def _attribute(context: Any, builder: Any, of: Any, value: Any, name: str) -> Any:
    """A field: every number of it is loaded by itself, so that those that nobody uses are not."""
    place = builder.bitcast(value, context.get_value_type(of.of).as_pointer())
    field = cgutils.gep_inbounds(builder, place, 0, of.of.fields.index(name))
    kind = field.type.pointee
    if not isinstance(kind, ir.LiteralStructType):
        return builder.load(field)
    made = ir.Constant(kind, ir.Undefined)
    for i in range(len(kind.elements)):
        made = builder.insert_value(made, builder.load(cgutils.gep_inbounds(builder, field, 0, i)), i)
    return made


def _pointed() -> Any:
    @intrinsic
    def by_pointer(_typing: Any, arrays: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            place = cgutils.alloca_once_value(builder, args[0])
            return builder.bitcast(place, ir.IntType(8).as_pointer())

        return Bundle(arrays)(arrays), generate

    return by_pointer


def _as_it_is(arrays: Any) -> Any:
    return arrays


#: by_pointer(named tuple of arrays): the same for helpers, while the kernel that asks for it runs. No
#: references are counted for what is in it: for kernels and helpers that go without (`bare_kernel`, `shared`,
#: `internal`).
by_pointer = _pointed() if JIT else _as_it_is
