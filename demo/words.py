"""What the page says, and how it is dressed: texts and CSS in one place, ready to be translated."""

HEAD = """# MobileFaceSwap
Put one face in the place of another. It runs on this machine's processor; nothing is kept."""

FOOT = """Results are marked as synthetic, in a signed manifest and in the pixels.
Uploads are deleted within two hours. Code: Apache-2.0; weights: research only."""

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

LIVE_STEPS = ("### 1 · Whose face", "### 2 · Your camera", "### 3 · How")

LIVE_STAGE = """<div class="stage">
  <video id="live-out" autoplay playsinline muted></video>
  <video id="live-self" autoplay playsinline muted></video>
  <p id="live-say" role="status">Press Start. The browser will ask for your camera; the picture goes
  to this server and back, and nothing of it is kept.</p>
</div>
<p id="live-figures" class="quiet"></p>
<p id="live-advice" role="status"></p>
<label class="quiet">Camera <select id="live-camera"></select></label>
<div id="live-instead" hidden>Two other ways: the <a href="web/">page that runs on your own
device</a>, which nothing leaves, or the HTTP stream below, slower and through every firewall.</div>
"""

LIVE_PAGE = '<a href="web/">open it here</a>'  # after the words "the page that runs on your device"

LIVE_NONE = "There is no picture to record: press Start first."

LIVE_SAVED = "Marked as synthetic, like every file from here."

CSS = """
.stage { position: relative; background: #0f172a; border-radius: 8px; overflow: hidden; }
.stage #live-out { width: 100%; aspect-ratio: 4 / 3; display: block; object-fit: contain; }
.stage #live-self { position: absolute; left: 8px; top: 8px; width: 18%; border-radius: 6px;
  transform: scaleX(-1); }
.stage #live-say { position: absolute; inset: auto 0 40% 0; margin: 0; padding: 0 10%;
  text-align: center; color: #f8fafc; text-shadow: 0 1px 3px #000; }
#live-advice { min-height: 1.5em; font-weight: 600; }
.gradio-container { max-width: 1200px !important; margin: auto; }
/* Gradio's own trimming runs on code from a foreign host, which our policy forbids. */
#clip button[title^="Trim"], #clipresult button[title^="Trim"] { display: none; }
.quiet, .foot { opacity: .75; font-size: .9em; }
.engines label { width: 100%; align-items: flex-start; }
#swap { width: 100%; }
@media (max-width: 640px) { .gradio-container { padding: 8px !important; } }
"""
