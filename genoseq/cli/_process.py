"""What a run shares with the system that started it: signals that end it, and the three standard streams."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from genoseq.errors import GenoseqError

__all__ = [
    "ENDED_BY_SIGNAL",
    "Stopped",
    "check_memory_limit",
    "flush_stdout",
    "leave",
    "map_large_blocks",
    "open_standard_streams",
    "signals_as_exceptions",
]

#: A run that a signal ended gives this exit code and the number of the signal, as shells do.
ENDED_BY_SIGNAL = 128

_SOON = 0.01  # seconds
_M_MMAP_THRESHOLD = -3  # glibc: malloc.h
_LEAST_MEMORY = 1 << 30  # bytes of addresses; aligning a few reads takes 0.9 GiB
_LARGE = 4 << 20  # bytes: some arrays of a batch; most are smaller and stay on the heap


class Stopped(KeyboardInterrupt):
    """The run was told to end by another signal than that of Ctrl-C.

    Attributes
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C, and `Stopped` on SIGTERM and SIGHUP, so that temporary files go.

    A signal that is ignored (nohup) or that the caller handles is left alone.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
        defaults = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGTERM: signal.SIG_DFL,
            signal.SIGHUP: signal.SIG_DFL,
        }
        before = {number: h for number, h in defaults.items() if signal.getsignal(number) is h}

    def stop(number: int, frame: FrameType | None) -> None:
        if _is_in_numba(frame):
            again = threading.Timer(_SOON, signal.pthread_kill, (threading.get_ident(), number))
            again.start()
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        for each in before.keys() - {signal.SIGINT}:
            signal.signal(each, signal.SIG_IGN)  # a second one must not cut the clean-up short
        raise Stopped(number)

    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_numba(frame: FrameType | None) -> bool:
    """Whether numba is wrapping up the result of a kernel: it overlooks an exception there, and crashes."""
    while frame is not None:
        if frame.f_code.co_name == "_numba_unpickle":  # numba/core/serialize.py, called from C
            return True
        frame = frame.f_back
    return False


def open_standard_streams() -> None:
    """Fill the place of closed standard streams, else the next file that is opened would take it.

    Standard input is opened for writing and standard output for reading: a run that needs them is told so by
    the system, one that does not goes on. Words to a closed standard error go nowhere.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number, which is this one
            os.set_inheritable(number, True)
    # Python leaves None in the place of a stream that was closed when it started
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def check_memory_limit() -> None:
    """Refuse a limit of addresses (`ulimit -v`) that is too low for the libraries.

    OpenBLAS, inside numpy and FAISS, crashes or waits for ever when it gets no memory for its threads.

    Raises
    ------
    GenoseqError
        Naming the limit.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    if limit < _LEAST_MEMORY:
        raise GenoseqError(
            f"not enough memory: the limit of this process is {limit >> 20} MiB (ulimit -v), and the "
            f"libraries alone need {_LEAST_MEMORY >> 20} MiB"
        )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else it takes some 40 MiB a core


def map_large_blocks() -> None:
    """Have glibc map large blocks of memory, each on its own, and give them back when they are free.

    By itself it puts them on the heap as soon as one was freed; the arrays of batch after batch leave holes
    there, and the memory of a long run wanders by some 10 % instead of 1 % (benchmarks/align/soak.py). Not
    for commands that run torch: it would map such blocks for every product, which takes longer than these.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def flush_stdout() -> None:
    """Write out what stands in the buffer of standard output; an error names it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        raise


def leave(code: int) -> NoReturn:
    """End the process with an exit code; `main` has told before what went wrong."""
    try:
        sys.stdout.flush()
    except OSError:  # let Python's own flush at exit go nowhere instead of failing once more
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    is_one_of_several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    # threads may still work on their batch, and Python would wait for them; and of the processes of torchrun
    # some abort at an orderly end, when the threads of gloo are taken down
    if code > ENDED_BY_SIGNAL or is_one_of_several:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
