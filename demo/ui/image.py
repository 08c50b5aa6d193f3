"""The Image tab, and the `/swap_image` endpoint."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
import numpy as np

from demo import provenance
from demo.detect import Face
from demo.errors import NoFaceError
from demo.pack import Pack
from demo.picture import read_picture
from demo.pipeline import FaceSwapper
from demo.preview import boxed, hit, small
from demo.ui.common import CORES, INNER, named, pick, room, taken
from demo.ui.source import source_picker
from demo.words import ENGINE_CHOICES, MARKED, STEPS

Array = np.ndarray


class ImageTab:
    """The Image tab's work, on one shared pack."""

    def __init__(self, pack: Pack):
        self.pack = pack

    @named
    def look(self, target: str | None) -> tuple[Array | None, list[Face], list[int], str]:
        """A new target: (preview, its faces, the chosen ones, what to do)."""
        if target is None:
            return None, [], [], ""
        frame = read_picture(target)
        faces = self.pack.faces(frame)
        chosen = [0] if faces else []
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        words = f"{count} found. Click a face to choose it or leave it out."
        if not faces:
            words = "No face found in this picture."
        return boxed(frame, faces, chosen), faces, chosen, words

    @named
    def choose(
        self, target: str, faces: list[Face], chosen: list[int], event: gr.SelectData
    ) -> tuple[Array, list[int]]:
        """A click on the preview takes the nearest face in or out."""
        frame = read_picture(target)
        kept = sorted(set(chosen).symmetric_difference(hit(frame, faces, event.index)))
        return boxed(frame, faces, kept), kept

    @named
    def swap(
        self, source: str, target: str, engine: str, both: bool, strength: float,
        consent: bool, chosen: list[int],
    ) -> tuple:  # fmt: skip
        """The button: (before/after, side by side or hidden, file, status)."""
        frame, path, status = self.run(source, target, engine, strength, consent, chosen)
        before, after, pair = small(read_picture(target)), small(frame), None
        if both:
            name = "mesh" if engine == "idn" else "idn"
            other, _, words = self.run(source, target, name, strength, consent, chosen)
            shown = {engine: after, name: small(other)}
            pair = (shown["mesh"], shown["idn"])
            status += f"\n\n{words}"
        side = gr.ImageSlider(pair, visible=both)
        return (before, after), side, path, f"{status}\n\n{MARKED}"

    @named
    def endpoint(
        self, source: str, target: str, engine: str, strength: float, consent: bool, faces: str
    ) -> tuple[str, str]:
        """`/swap_image`. faces: numbers from the preview, "1,3"; empty: the largest."""
        numbers = [int(n) - 1 for n in faces.split(",") if n.strip()] if faces else None
        return self.run(source, target, engine, strength, consent, numbers)[1:]

    def run(
        self, source: str | None, target: str | None, engine: str, strength: float,
        consent: bool, chosen: Sequence[int] | None,
    ) -> tuple[Array, str, str]:  # fmt: skip
        """One swap: (frame like the target, the marked file, a sentence on what happened)."""
        if source is None:
            raise ValueError("There is no source yet: choose a face on the left.")
        if target is None:
            raise ValueError("There is no target yet: choose the picture to change.")
        if not consent:
            raise ValueError("Please confirm first that you may use this face.")
        start = time.perf_counter()
        swapper = FaceSwapper(engine, self.pack)
        swapper.set_source(taken(Path(source), engine))
        frame = read_picture(target)
        faces = self.pack.faces(frame)
        if not faces:
            raise NoFaceError("No face in the target; nothing was changed.")
        picked = faces[:1] if chosen is None else pick(faces, chosen)
        result = swapper.swap_frame(frame, picked, strength)
        spent = time.perf_counter() - start
        return result, written(result), told(swapper, len(faces), spent)


def told(swapper: FaceSwapper, found: int, spent: float) -> str:
    report = swapper.report
    why = "".join(f" Note: {reason}." for reason in report.reasons)
    return (
        f"{report.swapped} of {found} face{'s' if found > 1 else ''} swapped in "
        f"{spent * 1e3:.0f} ms with `{swapper.engine}` on {swapper.pack.provider}.{why}"
    )


def written(frame: Array) -> str:
    """The marked file."""
    path = room("swapped.jpg")
    provenance.save(path, frame)
    return str(path)


def image_tab(tab: ImageTab, engine: str) -> None:
    faces, chosen = gr.State([]), gr.State([])
    with gr.Row(equal_height=False):
        with gr.Column(min_width=280):
            gr.Markdown(STEPS[0])
            source, consent = source_picker("")
        with gr.Column(min_width=280):
            gr.Markdown(STEPS[1])
            target = gr.Image(
                type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"],
                label="Target picture", height=300, elem_id="target",
            )  # fmt: skip
            preview = gr.Image(
                label="Faces", interactive=False, visible=False, elem_id="preview", height=300,
                show_download_button=False,
            )  # fmt: skip
            found = gr.Markdown("", elem_classes="quiet")
        with gr.Column(min_width=280):
            gr.Markdown(STEPS[2])
            method = gr.Radio(ENGINE_CHOICES, value=engine, label="Engine", elem_classes="engines")
            both = gr.Checkbox(label="Show both engines side by side")
            strength = gr.Slider(0, 1, 1.0, step=0.05, label="Strength")
            button = gr.Button("Swap", variant="primary", size="lg", elem_id="swap")
    with gr.Row():
        slider = gr.ImageSlider(label="Before | after", interactive=False, elem_id="result")
        pair = gr.ImageSlider(label="mesh | idn", interactive=False, visible=False)
    with gr.Row():
        with gr.Column(min_width=280):
            download = gr.File(label="Result, marked", interactive=False, elem_id="file")
        with gr.Column(min_width=280):
            status = gr.Markdown("", elem_id="status")

    def looked(path: str | None) -> tuple:
        image, *rest = tab.look(path)
        return gr.Image(image, visible=image is not None), *rest

    target.change(looked, target, [preview, faces, chosen, found], api_name=False, **CORES)
    preview.select(tab.choose, [target, faces, chosen], [preview, chosen], **INNER, **CORES)
    button.click(
        tab.swap, [source, target, method, both, strength, consent, chosen],
        [slider, pair, download, status], api_name=False, **CORES,
    )  # fmt: skip
    api(tab)


def api(tab: ImageTab) -> None:
    """`/swap_image(source, target, engine, strength, consent, faces)` -> file, status."""
    hidden = {"visible": False}
    inputs = [
        gr.File(label="source", **hidden),
        gr.File(label="target", **hidden),
        gr.Textbox("mesh", label="engine", **hidden),
        gr.Number(1.0, label="strength", **hidden),
        gr.Checkbox(False, label="consent", **hidden),
        gr.Textbox("", label="faces", **hidden),
    ]
    outputs = [gr.File(label="result", **hidden), gr.Textbox(label="status", **hidden)]
    gr.Button(**hidden).click(tab.endpoint, inputs, outputs, api_name="swap_image", **CORES)
