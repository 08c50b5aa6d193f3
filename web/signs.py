"""`python -m web.signs` writes web/signs.js: the mark's pattern of signs, drawn by demo/mark.py."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from demo.mark import BAND, SIDE, SPECTRUM

PATH = Path(__file__).with_name("signs.js")


def script() -> str:
    """One byte a block, row by row; a bit is a sign, the first of BAND the highest."""
    blocks = SPECTRUM.reshape(SIDE // 8, 8, SIDE // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    bits = np.stack([blocks[:, u, v] > 0 for u, v in BAND], axis=1)
    text = base64.b64encode(np.packbits(bits, axis=1).tobytes()).decode()
    return (
        "/** Signs of demo/mark.py, a byte for each block; written by `python -m web.signs`. */\n"
        f'export const SIGNS =\n  "{text}";\n'
    )


if __name__ == "__main__":
    PATH.write_text(script())
