"""Where a face comes from, the same in every tab: a picture, an identity file, or nobody's face."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from demo.ui.common import EXAMPLES, INNER
from demo.words import CONSENT


def source_picker(name: str) -> tuple[gr.State, gr.Checkbox]:
    """(path of the source or None, consent), built where it is called.

    Consent is asked anew for each source. name: starts the elements' ids.
    """
    source = gr.State(None)
    picture = gr.Image(
        type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"],
        label="Source face", height=300, elem_id=f"{name}source",
    )  # fmt: skip
    with gr.Accordion("Nobody's face, or an identity file", open=False):
        shown = [str(path) for path in sorted(EXAMPLES.glob("*.png"))]
        gallery = gr.Gallery(
            shown, columns=4, height="auto", label="Synthetic faces", allow_preview=False,
            object_fit="cover", interactive=False,
        )  # fmt: skip
        file = gr.File(file_types=[".idn"], label="Identity file (.idn)", height=100)
    taken_from = gr.Markdown("", elem_classes="quiet", elem_id=f"{name}taken")
    consent = gr.Checkbox(label=CONSENT, elem_id=f"{name}consent")

    known = [source, consent, taken_from]

    def took(path: str | None, words: str) -> tuple:
        return path, False, words if path else ""

    def shown_one(path: str | None, before: str | None) -> tuple:
        """Gradio tells of one picture more than once; the second time nothing is new."""
        if path == before:
            return (gr.skip(),) * len(known)
        return took(path, "Using the picture above.")

    def example(event: gr.SelectData) -> tuple:
        return took(shown[event.index], f"Using synthetic face {event.index + 1}.")

    picture.change(shown_one, [picture, source], known, **INNER)
    file.upload(lambda path: took(path, f"Using {Path(path).name}."), file, known, **INNER)
    gallery.select(example, None, known, **INNER)
    return source, consent
