"""One item in flight, the newest waits, the rest are let go; and an end that is known."""

import threading

from demo.newest import Newest


def test_the_newest_wins_and_one_is_in_flight():
    begun, go, out = threading.Event(), threading.Event(), []

    def work(frame):
        begun.set()
        assert go.wait(10)
        return frame

    worker = Newest(work, out.append)
    worker.give(1)
    assert begun.wait(10) and worker.busy and worker.pending is None
    for frame in (2, 3, 4):
        worker.give(frame)
    assert worker.pending == 4 and worker.skipped == 2
    go.set()
    worker.close(wait=True)
    assert out == [1, 4] and not worker.busy


def test_a_closed_worker_lets_go_of_what_waits():
    begun, go, out = threading.Event(), threading.Event(), []
    worker = Newest(lambda frame: (begun.set(), go.wait(10)), out.append)
    worker.give(1)
    assert begun.wait(10)
    worker.give(2)
    worker.close()
    go.set()
    worker._thread.join(10)
    assert len(out) == 1 and worker.pending is None


def test_a_failure_is_handed_over_and_ends_the_thread():
    failed, seen = threading.Event(), []
    worker = Newest(lambda frame: 1 / frame, seen.append, lambda e: (seen.append(e), failed.set()))
    worker.give(0)
    assert failed.wait(10) and isinstance(seen[0], ZeroDivisionError)
    worker._thread.join(10)
    assert not worker.busy
