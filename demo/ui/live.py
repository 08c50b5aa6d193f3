"""The Live tab: a visitor's own camera. `live.js` is its half in the browser."""

from __future__ import annotations

import uuid
from pathlib import Path

import gradio as gr
import numpy as np

from demo.errors import FullError
from demo.live import ENGINE, Settings, Visitor
from demo.record import Recorder
from demo.ui.common import INNER, named, room, taken
from demo.ui.source import source_picker
from demo.visitors import Visitors
from demo.words import ENGINE_CHOICES, LIVE_NONE, LIVE_PAGE, LIVE_SAVED, LIVE_STAGE, LIVE_STEPS

Array = np.ndarray
SCRIPT = (Path(__file__).parent / "live.js").read_text(encoding="utf-8")
AT_ONCE = {**INNER, "queue": False}  # settings do not wait behind somebody's picture
HTTP = 0.06  # seconds from one picture of the HTTP stream to the next, at least


class LiveTab:
    """The Live tab's work. `key` is made for each page and known to it alone."""

    def __init__(self, visitors: Visitors):
        self.visitors = visitors

    @named
    def begin(
        self, key: str, source: str | None, consent: bool, engine: str, *settings: float | bool
    ) -> str:
        """Start: a place and a swapper, before the browser opens the camera. Returns the key."""
        if source is None:
            raise ValueError("There is no source yet: choose a face on the left.")
        if not consent:
            raise ValueError("Please confirm first that you may use this face.")
        key = key or uuid.uuid4().hex
        try:
            visitor = self.visitors.enter(key)
        except FullError as error:
            raise FullError(f"{error} ({LIVE_PAGE})") from None
        try:
            visitor.set_source(taken(Path(source), engine), engine)
        except Exception:
            self.visitors.leave(key)
            raise
        visitor.settings = Settings(*settings)
        return key

    def adjust(self, key: str, *settings: float | bool) -> None:
        if visitor := self.visitors.find(key):
            visitor.settings = Settings(*settings)

    @named
    def change(self, key: str, source: str | None, consent: bool, engine: str) -> None:
        """Another source or engine while the camera runs: it takes effect with the consent."""
        visitor = self.visitors.find(key)
        if visitor and source and consent:
            visitor.set_source(taken(Path(source), engine), engine)

    @named
    def record(self, key: str) -> tuple:
        """The button: begins, and at the second press ends and hands over the marked file."""
        visitor = self.visitors.find(key)
        if visitor is None:
            return gr.Button("Record", variant="secondary"), gr.skip(), LIVE_NONE
        recorder, visitor.recorder = visitor.recorder, None
        if recorder is None:
            visitor.recorder = Recorder(room("live.mp4"))
            return gr.Button("Stop recording", variant="stop"), gr.File(visible=False), ""
        path = recorder.save()
        if path is None:
            raise ValueError("Nothing was recorded: no picture came from the camera.")
        return (
            gr.Button("Record", variant="secondary"),
            gr.File(str(path), visible=True),
            LIVE_SAVED,
        )

    def frame(self, key: str, frame: Array | None) -> tuple:
        """One picture of the HTTP stream: (swapped picture, what there is to say)."""
        visitor = self.visitors.find(key)
        if visitor is None or frame is None:
            return gr.skip(), gr.skip()
        out = visitor.paint(np.ascontiguousarray(frame))
        return out, told(visitor)


def told(visitor: Visitor) -> str:
    status = visitor.status()
    words = " ".join(status["words"])
    return f"{status['fps']:.0f} FPS · {status['engine']} · {status['provider']}\n\n{words}"


def live_tab(tab: LiveTab) -> None:
    key = gr.Textbox(visible="hidden")  # in the page, where live.js is handed it
    with gr.Row(equal_height=False):
        with gr.Column(min_width=240):
            gr.Markdown(LIVE_STEPS[0])
            source, consent = source_picker("live-")
        with gr.Column(min_width=320, scale=2):
            gr.Markdown(LIVE_STEPS[1])
            gr.HTML(LIVE_STAGE)
            with gr.Row():
                start = gr.Button("Start", variant="primary", elem_id="live-start")
                stop = gr.Button("Stop", elem_id="live-stop")
                record = gr.Button("Record", elem_id="live-record")
            saved = gr.File(visible=False, interactive=False, elem_id="live-file", label="Recorded")
            note = gr.Markdown("", elem_classes="quiet")
        with gr.Column(min_width=240):
            gr.Markdown(LIVE_STEPS[2])
            engine = gr.Radio(ENGINE_CHOICES, value=ENGINE, label="Engine", elem_classes="engines")
            settings = [
                gr.Slider(0, 1, 1.0, step=0.05, label="Strength"),
                gr.Checkbox(True, label="Mirror", elem_id="live-mirror"),
                gr.Checkbox(False, label="Swap every face in view"),
                gr.Checkbox(False, label="Before | after"),
            ]
    chosen = [source, consent, engine]
    started = start.click(tab.begin, [key, *chosen, *settings], key, **INNER)
    started.success(None, key, None, js="(key) => { Live.start(key); }")
    stop.click(None, None, None, js="() => { Live.stop(); }")
    for setting in settings:
        setting.change(tab.adjust, [key, *settings], None, **AT_ONCE)
    gr.on([consent.change, engine.change], tab.change, [key, *chosen], None, **AT_ONCE)
    record.click(tab.record, key, [record, saved, note], **AT_ONCE)
    with gr.Accordion("No connection? The HTTP stream", open=False, elem_id="live-http"):
        http_stream(tab, [key, *chosen, *settings], key)


def http_stream(tab: LiveTab, inputs: list, key: gr.Textbox) -> None:
    """The slow road that passes everywhere: pictures one by one over HTTP."""
    begin = gr.Button("Use the HTTP stream", elem_id="live-http-start")
    with gr.Row(visible=False) as row:
        camera = gr.Image(
            sources=["webcam"], streaming=True, type="numpy", label="Camera",
            webcam_options=gr.WebcamOptions(mirror=False), elem_id="live-http-camera",
        )  # fmt: skip
        out = gr.Image(label="Swapped", format="jpeg", elem_id="live-http-out", streaming=True)
    words = gr.Markdown("", elem_classes="quiet")
    begun = begin.click(tab.begin, inputs, key, js=None, **INNER)
    begun.success(lambda: gr.Row(visible=True), None, row, **INNER)
    camera.stream(
        tab.frame, [key, camera], [out, words], stream_every=HTTP, time_limit=None,
        concurrency_limit=tab.visitors.limit, **INNER,
    )  # fmt: skip
