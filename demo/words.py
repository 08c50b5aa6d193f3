"""What the page says, and how it is dressed: texts and CSS in one place, ready to be translated."""

HEAD = """# MobileFaceSwap
Put one face in the place of another. It runs on this machine's processor; nothing is kept."""

FOOT = """Results are marked as synthetic, in a signed manifest and in the pixels.
Uploads are deleted within an hour. Code: Apache-2.0; weights: research only."""

STEPS = (
    "### 1 · Whose face",
    "### 2 · In which picture",
    "### 3 · How",
)

CONSENT = "I may use this face: it is mine, its owner agreed, or it is nobody's."

ENGINE_CHOICES = [
    ("mesh: the source's own pixels. Sharp; best when both look the same way.", "mesh"),
    ("idn: painted by the network. Fast and steady; its weights are still young.", "idn"),
]

VIDEO_STEPS = ("### 1 · Whose face", "### 2 · In which clip", "### 3 · How")

FINISHES = [  # what is done to a face, by the names that `Finish` knows
    ("colour at the seam", "tint"),
    ("sharpness", "sharp"),
    ("grain", "grain"),
    ("what lies in front (not hands)", "front"),
]

CLIP_HINT = (
    "The person most to be seen gets the face. Or click faces in the frame below the clip: a click "
    "gives the source on the left, a second click takes it away; then another source for another."
)

MARKED = (
    "The file says that it is synthetic: signed metadata (C2PA) and an invisible mark. "
    "Check any file with `python -m demo verify FILE`."
)

CSS = """
.gradio-container { max-width: 1200px !important; margin: auto; }
/* Gradio's own trimming runs on code from a foreign host, which our policy forbids. */
#clip button[title^="Trim"], #clipresult button[title^="Trim"] { display: none; }
.quiet, .foot { opacity: .75; font-size: .9em; }
.engines label { width: 100%; align-items: flex-start; }
#swap { width: 100%; }
@media (max-width: 640px) { .gradio-container { padding: 8px !important; } }
"""
