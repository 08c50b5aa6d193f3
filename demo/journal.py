"""`journal` keeps finished pieces of a long work in a folder beside its output: OUT.part/.

A killed run leaves it there; the same run, started again, makes only what is missing. It knows
files and a plan. It knows nothing of clips.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows: two runs for one output are not told apart there
    fcntl = None


class Journal:
    """The folder of one work. plan: everything that the pieces depend on, as JSON holds it: with
    another plan, old pieces are thrown away."""

    def __init__(self, out: Path, plan: dict[str, Any]):
        self.folder = out.with_name(out.name + ".part")
        self.folder.mkdir(exist_ok=True)
        self._lock = open(self.folder / "lock", "w")  # noqa: SIM115 - held until `close`
        try:
            if fcntl:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ValueError(f"{out.name}: another run is writing it; wait for its end") from None
        for left in self.folder.glob("unfinished-*"):
            left.unlink()
        text = json.dumps(plan, indent=1, sort_keys=True, default=str)
        note = self.folder / "plan.json"
        if not note.exists() or note.read_text() != text:
            self._empty()
            note.write_text(text)

    def path(self, name: str) -> Path:
        return self.folder / name

    def close(self) -> None:
        """Let another run have it; the pieces stay."""
        self._lock.close()

    def remove(self) -> None:
        """The work is done, or no longer wanted."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _empty(self) -> None:
        for old in self.folder.iterdir():
            if old.name != "lock":
                old.unlink()


def made(path: Path, work: Callable[[Path], None]) -> Path:
    """The piece at `path`, written by `work` under another name: it is there whole, or not at all.

    Of two who make the same one, as when the first was taken for dead, neither spoils the other's.
    """
    part = path.with_name(f"unfinished-{uuid4().hex[:8]}-{path.name}")
    work(part)
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    return path


def digest(path: Path) -> str:
    """sha256 of a file, read in parts."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
