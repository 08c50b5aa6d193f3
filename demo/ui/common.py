"""What the tabs share: errors as messages, the source as it comes in, the place of a result.

The only place that knows gradio's errors. Nothing of a visitor is kept here.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from demo.detect import Face
from demo.errors import SwapError
from demo.picture import read_picture

Array = np.ndarray
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CORES = {"concurrency_limit": 1, "concurrency_id": "cores"}  # what shares the processor
INNER = {"api_name": False, "show_progress": "hidden"}  # helpers are not part of the API


def named(work: Callable) -> Callable:
    """Turn our named errors into messages on the page; anything else stays a crash."""

    @functools.wraps(work)
    def wrapped(*args):
        try:
            return work(*args)
        except (SwapError, ValueError) as error:
            raise gr.Error(str(error), title="Not swapped", print_exception=False) from None
        except MemoryError:
            raise gr.Error("Out of memory; use a smaller picture.", print_exception=False) from None

    return wrapped


def pick(faces: list[Face], chosen: Sequence[int]) -> list[Face]:
    if not chosen:
        raise ValueError("No face is chosen: click one in the preview.")
    if wrong := [n + 1 for n in chosen if not 0 <= n < len(faces)]:
        raise ValueError(f"There is no face {wrong[0]}; expected 1 to {len(faces)}.")
    return [faces[n] for n in chosen]


def taken(source: Path, engine: str) -> Array | Path:
    """What `set_source` takes; an example is a picture for one engine, a file for the other."""
    if source.parent == EXAMPLES and engine == "idn":
        source = source.with_suffix(".idn")
    return source if source.suffix.lower() == ".idn" else read_picture(source)


def room(name: str) -> Path:
    """A new path called `name`, in the folder that gradio serves from and empties."""
    folder = Path(get_upload_folder()) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder / name
