"""`crew` does the pieces of a long work: `Here`, one after another, or a `Cluster`, many at once.

It knows tasks and who does them. It knows nothing of clips. Ray is asked for only by who wants it.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from demo.errors import ClusterError
from demo.journal import made

ROOT = Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
RAY = "ray>=2.50,<3"
LOOK = 0.2  # seconds between looks at whether someone wants a cluster's work to end
PATIENCE = 60.0  # seconds that a cluster's workers are given to lay their pens down


@dataclass(frozen=True)
class Task:
    """One file of a work. make(path, tell): writes it, and calls tell, if not None, after each of
    its frames. frames: how many those are."""

    path: Path
    frames: int
    make: Callable[..., None]


class Here:
    """This process; several frames at once, one task after another."""

    threads = min(8, CORES)

    def __call__(self, tasks: Iterable[Task], tell: Callable[..., None]) -> None:
        """Do them all. tell(frames=1) is called as frames are done, and may raise to end it."""
        for task in tasks:
            made(task.path, partial(task.make, tell=tell))


class Cluster:
    """The workers of a Ray cluster: a core and a task each, one frame at once.

    All its machines see the same files under the same paths. done: worker -> tasks.
    """

    threads = 1

    def __init__(self, ray: ModuleType):
        self.ray, self.done = ray, Counter()

    def __call__(self, tasks: Iterable[Task], tell: Callable[..., None]) -> None:
        """Like `Here`'s, but told of after each task. Raises a task's own named error; ClusterError
        where workers are lost for good or cannot run this program."""
        hire = self.ray.remote(num_cpus=self.threads)(do).remote
        waiting = {hire(task): task for task in tasks}
        try:
            while waiting:
                for ref in self.ray.wait(list(waiting), timeout=LOOK)[0]:
                    task = waiting.pop(ref)  # cancelling one that failed may kill us
                    self.done[self.ray.get(ref)] += 1
                    tell(task.frames)
                tell(0)
        except self.ray.exceptions.RayError as error:
            cause = getattr(error, "cause", error)  # what a task raised, if it was that
            if isinstance(cause, (ValueError, OSError, MemoryError)):
                raise cause from None
            why = (str(cause).splitlines() or [type(cause).__name__])[0]
            raise ClusterError(
                f"a worker of the cluster failed: {why}; what is done is kept, and the same "
                "command continues it"
            ) from error
        finally:  # nobody writes any more when the caller tidies up
            for ref in waiting:
                self.ray.cancel(ref)
            self.ray.wait(list(waiting), num_returns=len(waiting), timeout=PATIENCE)


def do(task: Task) -> str:
    """What a worker of a cluster runs; says who it is."""
    made(task.path, partial(task.make, tell=None))
    return f"{socket.gethostname()}/{os.getpid()}"


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """A crew on the Ray cluster at `address`: host:port, ray://host:port, auto, or local for one on
    this machine. Within another one, the same. Raises ClusterError without Ray or its answer."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report home
    try:
        import ray
    except ImportError:
        raise ClusterError(f'Ray is not installed; run: pip install "{RAY}"') from None
    inner = ray.is_initialized()
    if not inner:
        connect(ray, address)
    try:
        yield Cluster(ray)
    finally:
        if not inner:
            ray.shutdown()


def connect(ray: ModuleType, address: str) -> None:
    there = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    try:
        ray.init(address, runtime_env=there, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError, SystemExit) as error:  # Ray exits, after a while
        said = "no answer" if isinstance(error, SystemExit) else str(error).splitlines()[0]
        raise ClusterError(
            f"no Ray cluster at {address}: {said}; expected host:port, ray://host:port, auto or "
            "local: start one with `ray start --head`"
        ) from None
