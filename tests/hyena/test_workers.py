"""Threads that run torch on one core each."""

from __future__ import annotations

import threading

import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.workers import Workers  # noqa: E402


@pytest.mark.parametrize("threads", [1, 3])
def test_results_are_in_order_and_in_the_context(threads):
    with Workers(threads, torch.inference_mode) as workers:
        found = workers.map(lambda i: (i * i, torch.is_inference_mode_enabled()), range(50))
    assert found == [(i * i, True) for i in range(50)]
    assert not torch.is_inference_mode_enabled()


def test_every_thread_has_one_core_and_the_caller_keeps_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        meeting = threading.Barrier(3, timeout=20)

        def work(_):
            meeting.wait()  # so that all three take part
            return threading.get_ident(), torch.get_num_threads()

        with Workers(3, torch.inference_mode) as workers:
            found = workers.map(work, range(3))
        assert len({thread for thread, _ in found}) == 3
        assert {count for _, count in found} == {1}
        assert torch.get_num_threads() == 2
        others = []
        thread = threading.Thread(target=lambda: others.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert others == [2]
    finally:
        torch.set_num_threads(before)


def test_an_error_comes_through():
    with Workers(2, torch.inference_mode) as workers, pytest.raises(ZeroDivisionError):
        workers.map(lambda i: 1 // i, [1, 0, 1])
