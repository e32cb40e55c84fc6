"""Profile: CPU time of the steps of the alignment, where someone asks for it.

Steps are named where they are taken (``with step("search"): ...``) and cost nothing worth measuring unless a
`Profile` is active in the thread. The time of a step within a step belongs to the inner one.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

_active: ContextVar[Profile | None] = ContextVar("profile", default=None)
_inner: ContextVar[list[float] | None] = ContextVar("inner", default=None)


class Profile:
    """Adds up the CPU seconds of steps, over threads."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds of each step, the longest first."""
        return dict(sorted(self._seconds.items(), key=lambda item: -item[1]))

    def add(self, name: str, seconds: float) -> None:
        """Add to a step."""
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds


@contextlib.contextmanager
def active(profile: Profile | None) -> Iterator[None]:
    """Count the steps that this thread takes inside, if there is a profile."""
    token = _active.set(profile)
    try:
        yield
    finally:
        _active.reset(token)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the work of this thread."""
    profile = _active.get()
    if profile is None:
        yield
        return
    outer, own = _inner.get(), [0.0]
    token = _inner.set(own)
    start = time.thread_time()
    try:
        yield
    finally:
        spent = time.thread_time() - start
        _inner.reset(token)
        profile.add(name, spent - own[0])
        if outer is not None:
            outer[0] += spent
