"""Eight numbers side by side in compiled code: what is done to one is done to all.

numba compiles a sum that each value carries on to the next one value at a time. Where such sums
are independent of each other, eight of them fit into the vector registers of the processor. The
functions here exist only inside kernels compiled by `kernel`; `+ - * /`, `abs` and `math.sqrt`
work on lanes as on numbers, and round as they do, so a lane gives the same bits as plain code.

This is done with numba's means to add a type [1]_; on a processor with narrower registers, LLVM
takes several.

References
----------
.. [1] numba documentation, "Extending Numba", low-level extension API.
"""

# ruff: noqa: ARG001 - numba hands over all that it has

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import models, overload, register_model

WIDTH = 8
"""How many numbers lie side by side; a power of two."""

Function = TypeVar("Function", bound=Callable[..., Any])

VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
INT32 = ir.IntType(32)
# Arrays of float64 are aligned to this, not to whole vectors.
ALIGNMENT = 8


def kernel(function: Function) -> Function:
    """Compile *function* when it is first called, once for all processes; it frees the GIL."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
    made: Function = compiled(function)
    return made


def inlined(function: Function) -> Function:
    """Compile *function* as `kernel` does, into those that call it."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
    made: Function = compiled(function)
    return made


def instruction(described: Callable[..., Any]) -> Any:
    """Return what kernels call for an instruction, which *described* types and generates."""
    return numba.extending.intrinsic(described)


class Lanes(types.Type):
    """The type of `WIDTH` float64 side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


LANES = Lanes()


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _splat(builder: Any, number: Any) -> Any:
    lanes = ir.Constant(VECTOR, ir.Undefined)
    for lane in range(WIDTH):
        lanes = builder.insert_element(lanes, number, INT32(lane))
    return lanes


@instruction
def splat(typing: Any, number: Any) -> Any:
    """Return *number* in every lane."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _splat(builder, given[0])

    return LANES(types.float64), generate


@instruction
def load(typing: Any, array: Any, at: Any) -> Any:
    """Return array[at], array[at + 1], ..."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        first = _address(context, builder, signature.args[0], *given)
        lanes = builder.load(builder.bitcast(first, VECTOR.as_pointer()))
        lanes.align = ALIGNMENT
        return lanes

    return LANES(array, types.intp), generate


@instruction
def store(typing: Any, array: Any, at: Any, lanes: Any) -> Any:
    """Write the lanes to array[at], array[at + 1], ..."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        first = _address(context, builder, signature.args[0], *given[:2])
        builder.store(given[2], builder.bitcast(first, VECTOR.as_pointer())).align = ALIGNMENT
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), generate


@instruction
def gather(typing: Any, array: Any, at: Any, stride: Any) -> Any:
    """Return array[at], array[at + stride], array[at + 2 stride], ..."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array, at, stride = given
        lanes = ir.Constant(VECTOR, ir.Undefined)
        for lane in range(WIDTH):
            number = builder.load(_address(context, builder, signature.args[0], array, at))
            lanes = builder.insert_element(lanes, number, INT32(lane))
            at = builder.add(at, stride)
        return lanes

    return LANES(array, types.intp, types.intp), generate


@instruction
def scatter(typing: Any, array: Any, at: Any, stride: Any, lanes: Any) -> Any:
    """Write the lanes to array[at], array[at + stride], array[at + 2 stride], ..."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array, at, stride, lanes = given
        for lane in range(WIDTH):
            number = builder.extract_element(lanes, INT32(lane))
            builder.store(number, _address(context, builder, signature.args[0], array, at))
            at = builder.add(at, stride)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, LANES), generate


@instruction
def behind(typing: Any, number: Any, lanes: Any) -> Any:
    """Return number, lanes[0], lanes[1], ...: the last lane falls out."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        number, lanes = given
        order = ir.Constant(ir.VectorType(INT32, WIDTH), [WIDTH, *range(WIDTH - 1)])
        return builder.shuffle_vector(lanes, _splat(builder, number), order)

    return LANES(types.float64, LANES), generate


@instruction
def at_least(typing: Any, lanes: Any, least: Any) -> Any:
    """Return `least if lanes < least else lanes`, lane by lane; NaN stays NaN."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        lanes, least = given
        return builder.select(builder.fcmp_ordered("<", lanes, least), least, lanes)

    return LANES(LANES, LANES), generate


@instruction
def between(typing: Any, low: Any, lanes: Any, high: Any, flags: Any) -> Any:
    """Return *flags*, with 0 where `low < lanes < high` does not hold."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        low, lanes, high, flags = given
        inside = builder.and_(
            builder.fcmp_ordered("<", low, lanes), builder.fcmp_ordered("<", lanes, high)
        )
        return builder.select(inside, flags, ir.Constant(VECTOR, [0.0] * WIDTH))

    return LANES(LANES, LANES, LANES, LANES), generate


def _define_operator(operation: Any, opcode: str) -> None:
    @instruction
    def emit(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return getattr(builder, opcode)(*given)

        return LANES(LANES, LANES), generate

    @overload(operation, strict=False)
    def _choose(a: Any, b: Any) -> Any:
        if isinstance(a, Lanes) and isinstance(b, Lanes):
            return lambda a, b: emit(a, b)
        return None


def _define_function(function: Any, name: str) -> None:
    @instruction
    def emit(typing: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            kind = ir.FunctionType(VECTOR, [VECTOR])
            find: Any = cgutils.get_or_insert_function
            return builder.call(find(builder.module, kind, f"{name}.v{WIDTH}f64"), given)

        return LANES(LANES), generate

    @overload(function, strict=False)
    def _choose(a: Any) -> Any:
        return (lambda a: emit(a)) if isinstance(a, Lanes) else None


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")
_define_operator(operator.truediv, "fdiv")
_define_function(abs, "llvm.fabs")
_define_function(math.sqrt, "llvm.sqrt")
