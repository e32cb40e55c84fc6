"""Progress: how many, how fast, how long still.

On a terminal one line counts; elsewhere (a log of a scheduler) a line is added now and then, so that a run of
seconds adds none and one of hours a few.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Progress", "duration", "tell_if_compiling"]

_INTERVAL = 0.2  # seconds between two updates of the line
_FIRST, _LONGEST = 30.0, 600.0  # seconds to the first line of a log; each wait is twice the last, up to this
_MINUTE, _HOUR = 60, 3600


class Progress:
    """Lines on stderr that count; use it as a context manager and call `add`.

    Parameters
    ----------
    label
        What is done, for example "aligning".
    unit
        What is counted, for example "reads" or "bp".
    total
        How many there will be, if that is known; with it the line shows percent and the time left.
    quiet
        True keeps silent.
    """

    def __init__(self, label: str, unit: str, total: int | None = None, *, quiet: bool = False) -> None:
        self._label, self._unit, self._total = label, unit, total
        self._shown = not quiet
        self._terminal = sys.stderr.isatty()
        self._wait = _INTERVAL if self._terminal else _FIRST
        self._start = self._last = time.monotonic()
        self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._terminal and self._done:
            self._write(time.monotonic())
            sys.stderr.write("\n")

    def add(self, count: int) -> None:
        """Count `count` more as done."""
        self._done += count
        if self._shown and (now := time.monotonic()) - self._last >= self._wait:
            self._last = now
            if not self._terminal:
                self._wait = min(2 * self._wait, _LONGEST)
            self._write(now)

    def _write(self, now: float) -> None:
        rate = self._done / max(now - self._start, 1e-9)
        line = f"{self._label}: {self._done:,} {self._unit}, {rate:,.0f} a second"
        if self._total and self._done < self._total:
            left = (self._total - self._done) / max(rate, 1e-9)
            line += f", {100 * self._done / self._total:.0f} %, {duration(left)} left"
        sys.stderr.write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(42), duration(125), duration(7260)
    ('42 s', '2:05 min', '2:01 h')
    """
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d} min"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02d} h"


def tell_if_compiling(kernel: Any, command: str, *, quiet: bool) -> bool:
    """Say that the first run compiles, unless numba has kept `kernel`, and with it the others, on disk.

    Returns
    -------
    bool
        Whether it compiles.
    """
    name = f"{kernel.py_func.__module__.rpartition('.')[2]}.{kernel.py_func.__name__}"
    folder = kernel.stats.cache_path
    if folder and any(Path(folder).glob(f"{name}-*.nbi")):
        return False
    if not quiet:
        print(
            f"{command}: compiling for this machine, in the first run only (30 to 50 s of one core)",
            file=sys.stderr,
        )
    return True
