"""Relative distances: what a sequence costs under a model of another one.

    NRC(x||y) = C(x||y) / (|x| log2 |A|)        Pratas, Silva and Pinho 2018; 0 to about 1

C(x||y) are the bits of x under a model that has learned y and nothing else, |x| the known bases of x, and A
has four letters, so that a base of x costs log2 4 = 2 bits without a model. Where NCD compresses every pair
anew, a model learns y once and stays as it is for every x.

NRC(x||y) and NRC(y||x) differ: a plasmid costs nothing after its bacterium, but not the other way round.
`symmetric_nrc`, for trees, is the mean of both, 0 for a sequence with itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.ncd.cost import SequenceModel, known_bases
from genoseq.ncd.distances import Distances
from genoseq.ncd.inputs import as_texts
from genoseq.ncd.markov import MarkovModel
from genoseq.ncd.mixing import FAST, MixingModel, MixingParameters
from genoseq.ncd.mixing_compressor import sized_for
from genoseq.ncd.store import MatrixStore, fingerprint
from genoseq.sequence import encode

__all__ = ["relative_matrix", "symmetric_nrc"]

_BITS_PER_BASE = 2.0  # log2 of four letters

Codes = npt.NDArray[np.uint8]


def relative_matrix(
    first: Sequence[str | bytes],
    second: Sequence[str | bytes] | None = None,
    *,
    model: MixingParameters | int = FAST,
    both_strands: bool = True,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Distances:
    """NRC of every sequence under a model of every other.

    Parameters
    ----------
    first
        Sequences of the rows, x in NRC(x||y). Letters other than A, C, G, T, U cost nothing and end a
        context.
    second
        Sequences of the columns, which are learned; without them those of `first`, and the diagonal is 0.
    model
        What learns a sequence: a mixing model, with tables that fit it (`genoseq.ncd.mixing`), or a Markov
        model of so many bases (`genoseq.ncd.markov`), which is a hundred times as fast and knows no
        context that is longer.
    both_strands
        Learn the other strand of y as well.
    threads
        Sequences that are scored at once. Two models are in memory, whatever the number of threads.
    progress
        Called with the number of pairs that were done since it was called last.
    store
        A folder that keeps the bits, so that a run which was ended goes on (`genoseq.ncd.store`).

    Returns
    -------
    ndarray, shape (rows, columns), dtype float64

    Raises
    ------
    UsageError
        If a setting makes no sense.
    InputError
        If a sequence is empty, has no known base or holds letters that are no nucleotides, or the folder is
        of another matrix.

    Examples
    --------
    >>> found = relative_matrix(["ACGTTGCATGAC" * 9, "GTCATGCAACGT" * 9, "GGATC" * 20], model=4)
    >>> bool(found[0, 1] < found[0, 2])
    True
    """
    if threads < 1:
        raise UsageError(f"{threads} threads; 1 or more are expected")
    x = _encoded(as_texts(first, "first"), "first")
    y = x if second is None else _encoded(as_texts(second, "second"), "second")
    is_symmetric = second is None
    kept = None if store is None else _store(store, x, y, model, both_strands, is_symmetric=is_symmetric)
    bits = np.zeros((len(x), len(y)), np.float32)
    missing = []
    for column in range(len(y)):
        found = None if kept is None else kept.get(column, (len(x),))
        if found is None:
            missing.append(column)
            continue
        bits[:, column] = found.view(np.float32)
        if progress is not None:
            progress(len(x) - is_symmetric)

    def fit(column: int) -> SequenceModel:
        return _learned(y[column], model, both_strands)

    for column, new in _columns(x, missing, fit, threads, is_symmetric=is_symmetric):
        bits[:, column] = new
        if kept is not None:
            kept.put(column, new.view(np.int32))
        if progress is not None:
            progress(len(x) - is_symmetric)
    return bits.astype(np.float64) / (_BITS_PER_BASE * np.array([[known_bases(codes)] for codes in x]))


def _columns(
    x: list[Codes],
    columns: list[int],
    fit: Callable[[int], SequenceModel],
    threads: int,
    *,
    is_symmetric: bool,
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Bits of every sequence under the model of each column; the next model is learned meanwhile."""
    with ThreadPoolExecutor(threads) as pool:
        coming = pool.submit(fit, columns[0]) if columns else None
        try:
            for place, column in enumerate(columns):
                learned = cast("Future[SequenceModel]", coming).result()
                if place + 1 < len(columns):
                    coming = pool.submit(fit, columns[place + 1])
                rows = [row for row in range(len(x)) if not (is_symmetric and row == column)]
                found = np.zeros(len(x), np.float32)
                found[rows] = list(pool.map(learned.bits, [x[row] for row in rows]))
                del learned
                yield column, found
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def symmetric_nrc(relative: Distances) -> Distances:
    """The mean of both directions: float64 (n, n), 0 on the diagonal.

    Parameters
    ----------
    relative
        NRC of n sequences under models of the same, `relative_matrix` of one set.
    """
    found = (relative + relative.T) / 2
    np.fill_diagonal(found, 0.0)
    return found


def _learned(codes: Codes, model: MixingParameters | int, both_strands: bool) -> SequenceModel:
    if isinstance(model, int):
        return MarkovModel.fit([codes], model, both_strands=both_strands)
    parameters = replace(sized_for(codes.size, model), both_strands=both_strands)
    return MixingModel.fit([codes], parameters)


def _encoded(texts: list[bytes], what: str) -> list[Codes]:
    found = []
    for number, text in enumerate(texts):
        try:
            codes = encode(text)
        except InputError as error:
            raise InputError(f"{what}[{number}]: {error.message}") from error
        if not known_bases(codes):
            raise InputError(f"{what}[{number}] has no base that is known (A, C, G or T); leave it out")
        found.append(codes)
    return found


def _store(
    folder: str | os.PathLike[str],
    x: list[Codes],
    y: list[Codes],
    model: MixingParameters | int,
    both_strands: bool,
    *,
    is_symmetric: bool,
) -> MatrixStore:
    return MatrixStore(
        folder,
        {
            "model": f"Markov order {model}" if isinstance(model, int) else repr(model),
            "both_strands": both_strands, "symmetric": is_symmetric, "rows": len(x), "columns": len(y),
            "sequences of the rows": fingerprint(codes.tobytes() for codes in x),
            "sequences of the columns": fingerprint(codes.tobytes() for codes in y),
        },
    )  # fmt: skip
