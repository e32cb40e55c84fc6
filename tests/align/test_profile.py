"""Steps are counted once, in every thread, and only where someone asks."""

from __future__ import annotations

import threading
import time

from genoseq.align.profile import Profile, active, step


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_nothing_is_counted_without_a_profile():
    profile = Profile()
    with step("a"):
        work(0.001)
    assert profile.seconds == {}


def test_an_inner_step_is_not_counted_twice():
    profile = Profile()
    with active(profile), step("outer"):
        work(0.01)
        with step("inner"):
            work(0.03)
    assert list(profile.seconds) == ["inner", "outer"]
    assert profile.seconds["inner"] >= 0.03
    assert profile.seconds["outer"] < 0.03


def test_threads_add_up():
    profile = Profile()

    def task():
        with active(profile), step("a"):
            work(0.01)

    threads = [threading.Thread(target=task) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert profile.seconds["a"] >= 0.03
