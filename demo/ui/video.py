"""The Video tab, and the `/swap_video` endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import gradio as gr
import numpy as np

from demo import provenance
from demo.errors import CancelledError
from demo.finish import Finish
from demo.media import Clip, Limits, probe
from demo.mux import QUALITY
from demo.pack import Pack
from demo.pipeline import FaceSwapper
from demo.preview import boxed
from demo.ui.common import CORES, INNER, named, room, taken
from demo.ui.roles import Role, frame_at, toggled, who_plays
from demo.ui.source import source_picker
from demo.video import Outcome, Part, Settings, swap_clip
from demo.words import CLIP_HINT, ENGINE_CHOICES, FINISHES, MARKED, VIDEO_STEPS

Array = np.ndarray
LONG = {"concurrency_limit": 1, "concurrency_id": "clips"}  # pictures do not wait for a clip


class VideoTab:
    """The Video tab's work, on one shared pack. limits: of a visitor's clip."""

    def __init__(self, pack: Pack, limits: Limits):
        self.pack, self.limits = pack, limits
        self.running: dict[str, Event] = {}  # visitor -> set to make their clip stop

    @named
    def open(self, path: str | None) -> tuple:
        """A new clip: (position, preview, its end, no roles, what to do)."""
        if path is None:
            hidden = gr.update(visible=False)
            return hidden, hidden, gr.update(value=None), [], ""
        clip = probe(path, self.limits)
        slider = gr.Slider(0, round(clip.seconds, 2), 0, step=0.01, visible=True)
        return slider, self.preview(clip, 0.0, []), gr.update(value=None), [], told(clip)

    @named
    def show(self, path: str, seconds: float, roles: list[Role]) -> gr.Image:
        """The slider was moved."""
        return self.preview(probe(path, self.limits), seconds, roles)

    @named
    def choose(
        self, path: str, seconds: float, source: str | None, consent: bool, roles: list[Role],
        event: gr.SelectData,
    ) -> tuple[gr.Image, list[Role]]:  # fmt: skip
        """A click on the preview gives the face there the source, or takes it away."""
        agreed(source, consent)
        clip = probe(path, self.limits)
        frame = frame_at(clip, seconds)
        faces = self.pack.faces(frame)
        roles = toggled(self.pack, frame, faces, roles, event.index, source, seconds)
        return self.preview(clip, seconds, roles), roles

    def preview(self, clip: Clip, seconds: float, roles: list[Role]) -> gr.Image:
        """A frame with a numbered box on each face, bright where it has a source."""
        frame = frame_at(clip, seconds)
        faces = self.pack.faces(frame)
        played = who_plays(self.pack, frame, faces, roles)
        return gr.Image(boxed(frame, faces, list(played)), visible=True)

    @named
    def attempt(
        self, source: str | None, path: str | None, seconds: float, engine: str, strength: float,
        everyone: bool, finish: list[str], consent: bool, roles: list[Role],
    ) -> str:  # fmt: skip
        """One frame of the clip as it will be: a marked picture."""
        agreed(source, consent, roles)
        frame = frame_at(given(path, self.limits), seconds)
        faces = self.pack.faces(frame)
        played = {n: role.source for n, role in who_plays(self.pack, frame, faces, roles).items()}
        others = range(len(faces)) if everyone else range(0 if roles else 1)
        played = {n: source for n in others if n < len(faces) and source} | played
        for number, wanted in played.items():
            swapper = FaceSwapper(engine, self.pack, Finish.of(finish))
            swapper.set_source(taken(Path(wanted), engine))
            frame = swapper.swap_frame(frame, [faces[number]], strength)
        shown = room("frame.jpg")
        provenance.save(shown, frame)
        return str(shown)

    @named
    def swap(
        self, source: str | None, path: str | None, engine: str, strength: float, quality: str,
        everyone: bool, finish: list[str], begin: float | None, end: float | None, consent: bool,
        roles: list[Role], request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio's way
    ) -> tuple[str, str, str]:  # fmt: skip
        """The button: (the clip to look at, the file, what happened)."""
        agreed(source, consent, roles)
        parts = [role.part for role in roles]
        if source and (everyone or not roles):
            parts.append(Part(Path(source), "all" if everyone else "main"))
        settings = self.settings(engine, strength, quality, begin, end, finish)
        out, status = self.run(parts, path, settings, request.session_hash, progress)
        return out, out, status

    @named
    def endpoint(
        self, source: str, clip: str, engine: str, strength: float, quality: str, begin: float,
        end: float, who: str, consent: bool, request: gr.Request,
    ) -> tuple[str, str]:  # fmt: skip
        """`/swap_video`. end: 0 for all of it. who: "main", "all" or a rank, "1", "2"."""
        agreed(source, consent)
        parts = [Part(Path(source), int(who) if who.isdigit() else who)]
        settings = self.settings(engine, strength, quality, begin, end)
        return self.run(parts, clip, settings, request.session_hash, lambda share, desc: None)

    def settings(
        self, engine: str, strength: float, quality: str, begin: float | None, end: float | None,
        finish: Sequence[str] = Settings.finish,
    ) -> Settings:  # fmt: skip
        return Settings(
            engine, strength, quality, begin or 0, end or None, self.pack.device,
            self.pack.detector, tuple(finish),
        )  # fmt: skip

    def run(
        self, parts: list[Part], path: str | None, settings: Settings, visitor: str | None, progress
    ) -> tuple[str, str]:
        """One clip: (the marked file, a sentence on what happened)."""
        given(path, self.limits)
        stop = self.running[visitor or ""] = Event()

        def tell(share: float, words: str) -> None:
            if stop.is_set():
                raise CancelledError("Cancelled; nothing was kept.")
            progress(share, desc=words)

        out = room("swapped.mp4")
        parts = [Part(example(part.source, settings.engine), part.who) for part in parts]
        try:
            outcome = swap_clip(parts, Path(path), out, settings, limits=self.limits, tell=tell)
        except Exception:
            out.parent.rmdir()
            raise
        finally:
            self.running.pop(visitor or "", None)
        return str(out), f"{happened(outcome, settings.engine)}\n\n{MARKED}"

    def stop(self, request: gr.Request) -> str:
        """The cancel button: the clip being worked on stops within a frame."""
        if request.session_hash not in self.running:
            return "Nothing is running."
        self.running[request.session_hash].set()
        return "Stopping ..."


def agreed(source: str | None, consent: bool, roles: list[Role] | None = None) -> None:
    if source is None and not roles:
        raise ValueError("There is no source yet: choose a face on the left.")
    if source is not None and not consent:
        raise ValueError("Please confirm first that you may use this face.")


def given(path: str | None, limits: Limits) -> Clip:
    if path is None:
        raise ValueError("There is no clip yet: choose the one to change.")
    return probe(path, limits)


def example(source: Path, engine: str) -> Path:
    """An example is a picture for one engine, an identity file for the other."""
    found = taken(source, engine)
    return found if isinstance(found, Path) else source


def told(clip: Clip) -> str:
    notes = "".join(f" Note: {note}." for note in clip.notes)
    size = f"{clip.width}x{clip.height}, {clip.seconds:.1f} s"
    return f"{size}, {float(clip.rate):.3g} frames a second.{notes} {CLIP_HINT}"


def happened(outcome: Outcome, engine: str) -> str:
    notes = "".join(f" Note: {note}." for note in outcome.notes)
    return (
        f"{outcome.swapped} of {outcome.frames} frames swapped with `{engine}` in "
        f"{outcome.seconds:.1f} s, {outcome.rate:.1f} frames a second.{notes}"
    )


def video_tab(tab: VideoTab, engine: str) -> None:
    roles = gr.State([])
    with gr.Row(equal_height=False):
        with gr.Column(min_width=280):
            gr.Markdown(VIDEO_STEPS[0])
            source, consent = source_picker("video")
        with gr.Column(min_width=280):
            gr.Markdown(VIDEO_STEPS[1])
            clip = gr.Video(sources=["upload", "webcam"], label="Clip", height=300, elem_id="clip")
            at = gr.Slider(0, 1, 0, label="Look at second", visible=False, elem_id="at")
            preview = gr.Image(
                label="Faces", interactive=False, visible=False, elem_id="clipfaces", height=300,
                show_download_button=False,
            )  # fmt: skip
            found = gr.Markdown("", elem_classes="quiet", elem_id="clipfound")
        with gr.Column(min_width=280):
            gr.Markdown(VIDEO_STEPS[2])
            method = gr.Radio(ENGINE_CHOICES, value=engine, label="Engine", elem_classes="engines")
            strength = gr.Slider(0, 1, 1.0, step=0.05, label="Strength")
            quality = gr.Radio(list(QUALITY), value="good", label="Quality of the file")
            everyone = gr.Checkbox(label="Everyone in the clip")
            finish = gr.CheckboxGroup(FINISHES, value=list(Settings.finish), label="Finish")
            with gr.Row():
                begin = gr.Number(0, label="From second", minimum=0)
                end = gr.Number(0, label="To second (0: all)", minimum=0)
            attempt = gr.Button("Try this frame", elem_id="tryframe")
            button = gr.Button("Swap", variant="primary", size="lg", elem_id="swapclip")
            cancel = gr.Button("Cancel", variant="stop", elem_id="cancelclip")
    with gr.Row():
        tried = gr.Image(label="This frame", interactive=False, elem_id="tried", height=360)
        result = gr.Video(label="Result", interactive=False, elem_id="clipresult", height=360)
    with gr.Row():
        download = gr.File(label="Result, marked", interactive=False, elem_id="clipfile")
        status = gr.Markdown("", elem_id="clipstatus")

    how = [method, strength, quality, everyone, finish, begin, end, consent, roles]
    clip.change(tab.open, clip, [at, preview, end, roles, found], api_name=False, **CORES)
    at.release(tab.show, [clip, at, roles], preview, **INNER, **CORES)
    preview.select(
        tab.choose, [clip, at, source, consent, roles], [preview, roles], **INNER, **CORES
    )
    attempt.click(
        tab.attempt, [source, clip, at, method, strength, everyone, finish, consent, roles], tried,
        api_name=False, **CORES,
    )  # fmt: skip
    button.click(tab.swap, [source, clip, *how], [result, download, status], api_name=False, **LONG)
    cancel.click(tab.stop, None, status, queue=False, **INNER)
    api(tab)


def api(tab: VideoTab) -> None:
    """`/swap_video(source, clip, engine, strength, quality, begin, end, who, consent)`."""
    hidden = {"visible": False}
    inputs = [
        gr.File(label="source", **hidden),
        gr.File(label="clip", **hidden),
        gr.Textbox("mesh", label="engine", **hidden),
        gr.Number(1.0, label="strength", **hidden),
        gr.Textbox("good", label="quality", **hidden),
        gr.Number(0, label="begin", **hidden),
        gr.Number(0, label="end", **hidden),
        gr.Textbox("main", label="who", **hidden),
        gr.Checkbox(False, label="consent", **hidden),
    ]
    outputs = [gr.File(label="result", **hidden), gr.Textbox(label="status", **hidden)]
    gr.Button(**hidden).click(tab.endpoint, inputs, outputs, api_name="swap_video", **LONG)
