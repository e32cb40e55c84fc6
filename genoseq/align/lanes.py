"""Lanes: one anti-diagonal of a banded alignment as vector instructions.

numba has no vector types, and of this many arrays in one loop its compiler makes no vectors by itself: the
plain loops took 400 ns a step, this takes 15. The instructions are LLVM's own, which it turns into those of
the processor at hand (AVX-512, AVX2, NEON). Scores are 16-bit and saturate: what is far below stays far
below, and no score may pass 32,767.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
"""Cells that are computed at once."""
FROM_PAIR, FROM_INSERTION, FROM_DELETION, FROM_LONG_INSERTION, FROM_LONG_DELETION = range(5)
"""Where the score of a cell came from: the low three bits of its origin."""
SOURCE = 7
INSERTION_GOES_ON, DELETION_GOES_ON, LONG_INSERTION_GOES_ON, LONG_DELETION_GOES_ON = 8, 16, 32, 64
"""Bits of an origin: the gap that ends here was open in the cell before."""

_I8, _I16 = ir.IntType(8), ir.IntType(16)
_BYTES, _WORDS = ir.VectorType(_I8, LANES), ir.VectorType(_I16, LANES)


@intrinsic
def diagonal_step(typingctx, scores, query, target, origins, places, costs):
    """Compute `LANES` cells and return the best score among them.

    Parameters
    ----------
    scores : array of int16, contiguous
        Everything that `places` points to.
    query, target, origins : array of uint8, contiguous
    places : tuple of 16 int64
        Where to read and write. Of the letters: query, target. Of the scores: the last anti-diagonal as seen
        from above and from the left, the one before it; open insertions, deletions, long insertions, long
        deletions of the last one; the new anti-diagonal and its four kinds of gaps; the origins.
    costs : tuple of 6 int16
        Match, mismatch (negative), first base of a gap, further ones, the same for long gaps.
    """
    arguments = (scores, query, target, origins, places, costs)
    return types.int16(*arguments), _generate


def _generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
    scores, query, target, origins = (
        context.make_array(kind)(context, builder, value).data
        for kind, value in zip(signature.args[:4], arguments[:4], strict=True)
    )
    at = cgutils.unpack_tuple(builder, arguments[4])
    match, miss, gap, more, long_gap, long_more = (
        _spread(builder, cost) for cost in cgutils.unpack_tuple(builder, arguments[5])
    )

    def load(base: ir.Value, place: ir.Value, kind: ir.Type) -> ir.Value:
        pointer = builder.bitcast(builder.gep(base, [place]), kind.as_pointer())
        return builder.load(pointer, align=1)

    def store(value: ir.Value, base: ir.Value, place: ir.Value) -> None:
        pointer = builder.bitcast(builder.gep(base, [place]), value.type.as_pointer())
        builder.store(value, pointer, align=1)

    def saturating(name: str, a: ir.Value, b: ir.Value) -> ir.Value:
        kind = ir.FunctionType(_WORDS, [_WORDS, _WORDS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.s{name}.sat.v{LANES}i16")
        return builder.call(function, [a, b])

    def larger(a: ir.Value, b: ir.Value) -> ir.Value:
        return builder.select(builder.icmp_signed(">", a, b), a, b)

    def gaps(opened: ir.Value, old: ir.Value, cost: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Scores with a gap that ends here, and whether it was open before."""
        longer = saturating("sub", old, cost)
        return larger(opened, longer), builder.icmp_signed(">", longer, opened)

    above, left = load(scores, at[2], _WORDS), load(scores, at[3], _WORDS)
    inserted, more_inserted = gaps(saturating("sub", above, gap), load(scores, at[5], _WORDS), more)
    deleted, more_deleted = gaps(saturating("sub", left, gap), load(scores, at[6], _WORDS), more)
    long_inserted, more_long_inserted = gaps(
        saturating("sub", above, long_gap), load(scores, at[7], _WORDS), long_more
    )
    long_deleted, more_long_deleted = gaps(
        saturating("sub", left, long_gap), load(scores, at[8], _WORDS), long_more
    )
    same = builder.icmp_unsigned("==", load(query, at[0], _BYTES), load(target, at[1], _BYTES))
    paired = saturating("add", load(scores, at[4], _WORDS), builder.select(same, match, miss))

    best, origin = paired, ir.Constant(_BYTES, [FROM_PAIR] * LANES)
    for source, value in (
        (FROM_INSERTION, inserted),
        (FROM_DELETION, deleted),
        (FROM_LONG_INSERTION, long_inserted),
        (FROM_LONG_DELETION, long_deleted),
    ):
        better = builder.icmp_signed(">", value, best)
        best = builder.select(better, value, best)
        origin = builder.select(better, ir.Constant(_BYTES, [source] * LANES), origin)
    nothing = ir.Constant(_BYTES, [0] * LANES)
    for bit, goes_on in (
        (INSERTION_GOES_ON, more_inserted),
        (DELETION_GOES_ON, more_deleted),
        (LONG_INSERTION_GOES_ON, more_long_inserted),
        (LONG_DELETION_GOES_ON, more_long_deleted),
    ):
        origin = builder.or_(origin, builder.select(goes_on, ir.Constant(_BYTES, [bit] * LANES), nothing))
    for value, place in zip((best, inserted, deleted, long_inserted, long_deleted), at[9:14], strict=True):
        store(value, scores, place)
    store(origin, origins, at[14])
    reduce = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_I16, [_WORDS]), f"llvm.vector.reduce.smax.v{LANES}i16"
    )
    return builder.call(reduce, [best])


def _spread(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A vector with the same value in all lanes."""
    one = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_WORDS, ir.Undefined), zeros)
