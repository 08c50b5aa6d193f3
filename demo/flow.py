"""`flow` lets reading, working and writing go on at once, with a bounded number of things between.

It knows iterators and threads. It knows nothing of what flows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

One, Two = TypeVar("One"), TypeVar("Two")
WAIT = 0.05  # seconds between looks at whether the reader has gone


def ahead(items: Iterable[One], size: int) -> Iterator[One]:
    """The same items, fetched by a thread of their own, at most `size` ahead of who reads.

    What the items raise is raised here. When the reader stops, so does the thread.
    """
    queue: Queue = Queue(size)
    gone = Event()

    def put(kind: str, value: object) -> bool:
        while not gone.is_set():
            try:
                queue.put((kind, value), timeout=WAIT)
                return True
            except Full:
                continue
        return False

    def fetch() -> None:
        try:
            for item in items:
                if not put("item", item):
                    break
            put("end", None)
        except BaseException as error:  # handed over, whatever it is
            put("error", error)
        finally:
            getattr(items, "close", lambda: None)()

    thread = Thread(target=fetch, daemon=True)
    thread.start()
    try:
        while True:
            kind, value = queue.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        gone.set()
        thread.join()


def ordered(
    pool: Executor, work: Callable[[One], Two], items: Iterable[One], size: int
) -> Iterator[Two]:
    """work(item) for each item, in their order, at most `size` of them under way in the pool."""
    waiting: deque = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= size:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
