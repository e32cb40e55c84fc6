"""Threads that share the pieces of a computation, each running torch on one core.

torch can spread every single operation over the cores. Then all threads wait for the slowest after each of
hundreds of small operations, and on a machine with other work that costs more than it gains (measured on two
cores shared with two other programs: 50 times slower than one thread). Here each thread takes a whole piece
of work and runs its operations on one core; the results are the same to the last bit for any number.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Within the block, torch runs the operations of this thread on one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Workers:
    """A few threads; use them as a context manager.

    Parameters
    ----------
    threads : int
        With 1, everything runs in the thread of the caller (see `one_core`).
    context : callable
        Entered for every piece of work: torch keeps its modes (inference, autocast) by thread.
    """

    def __init__(self, threads: int, context: Callable[[], AbstractContextManager[None]]) -> None:
        self._context, self._threads = context, torch.get_num_threads()
        self._pool = None
        if threads > 1:
            self._pool = ThreadPoolExecutor(threads, "genoseq", torch.set_num_threads, (1,))

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(self._threads)  # the workers changed what new threads start with

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`work` of every item, in order. The work must not call this itself."""

        def piece(item: Item) -> Result:
            with self._context():
                return work(item)

        if self._pool is None or len(items) == 1:
            return [piece(item) for item in items]
        return list(self._pool.map(piece, items))
