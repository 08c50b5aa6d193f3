"""What of the page needs no browser: its stages in node, and what Python writes for it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from web.icons import FOLDER, icons
from web.signs import PATH, script

ROOT = Path(__file__).resolve().parent.parent


def test_stages_in_node():
    """node is the environment's own, or else the machine's."""
    tests = sorted(map(str, (ROOT / "tests" / "web").glob("*.test.js")))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["node", "--test", *tests], capture_output=True, text=True, cwd=ROOT,
        env=os.environ | {"PATH": path},
    )  # fmt: skip
    assert done.returncode == 0 and len(tests) >= 9, done.stdout[-4000:]


def test_icons_are_the_drawn_ones():
    for name, drawn in icons().items():
        kept = np.array(Image.open(io.BytesIO((FOLDER / name).read_bytes())))
        assert np.abs(kept.astype(int) - drawn).max() <= 1


def test_the_signs_of_the_mark_are_python_s():
    assert PATH.read_text() == script()
