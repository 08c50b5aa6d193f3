"""What every test stands on: quiet libraries, one thread, one photograph, one opened pack."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import cv2
import numpy as np
import pytest

cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8 RGB: Eileen Collins, NASA, public domain. Not to be written to."""
    from skimage.data import astronaut

    picture = astronaut()
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="session")
def pack():
    """Our own weights on one thread of the CPU."""
    from demo.pack import Pack

    return Pack.load(device="cpu", threads=1)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
