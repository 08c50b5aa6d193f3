"""`ui` is the page that the server shows: one file for each tab, and what the tabs share.

Nothing of a visitor is kept here: choices live in the page's own state, a swapper is made for each
request, the weights are shared and hold no state.
"""

from __future__ import annotations

import gradio as gr

from demo.media import Limits
from demo.pack import Pack
from demo.ui.image import ImageTab, image_tab
from demo.ui.live import SCRIPT, LiveTab, live_tab
from demo.ui.video import VideoTab, video_tab
from demo.visitors import Visitors
from demo.words import CSS, FOOT, HEAD


def build(pack: Pack, engine: str, limits: Limits, visitors: Visitors) -> gr.Blocks:
    """The whole page. engine: chosen at first. limits: of a clip. visitors: who may come with a
    camera."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    theme = gr.themes.Soft(primary_hue="emerald", neutral_hue="slate", **fonts)
    with gr.Blocks(
        theme=theme, css=CSS, title="MobileFaceSwap", analytics_enabled=False,
        delete_cache=(3600, 3600), head=f"<script>{SCRIPT}</script>",
    ) as page:  # fmt: skip
        gr.Markdown(HEAD)
        with gr.Tab("Image"):
            image_tab(ImageTab(pack), engine)
        with gr.Tab("Video"):
            video_tab(VideoTab(pack, limits), engine)
        with gr.Tab("Live"):
            live_tab(LiveTab(visitors))
        gr.Markdown(FOOT, elem_classes="foot")
    return page.queue(max_size=16, default_concurrency_limit=1)
