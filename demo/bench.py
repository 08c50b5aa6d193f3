"""`bench` measures every stage on this machine, on one thread: `python -m demo bench [--json]`.

Milliseconds depend on the machine and its load; both are printed, and the IDN's share of the
machine's own matrix-multiply peak, measured in the same run, is what can be compared.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np

from demo.align import warp_crop
from demo.encode import encode
from demo.inject import inject
from demo.mesh import mesh
from demo.pack import Pack
from demo.paste import paste
from demo.picture import write_picture
from demo.pipeline import FaceSwapper
from demo.stretch import Settings
from demo.swap import swap
from demo.video import Part, swap_clip
from demo.warp import Source, warp

Array = np.ndarray
RUNS = 50
FRAME = (720, 1280)  # pixels, height and width


def frame_720p() -> Array:
    """(720, 1280, 3) uint8: scikit-image's public-domain portrait, its face about 300 px high."""
    from skimage.data import astronaut  # comes with insightface; only the bench needs it

    matrix = np.array([[2.4, 0, 250.0], [0, 2.4, -110.0]])
    return cv2.warpAffine(astronaut(), matrix, FRAME[::-1], borderMode=cv2.BORDER_REFLECT)


def timed(work: Callable[[], object], runs: int = RUNS) -> dict[str, float]:
    """Median and 95th percentile in milliseconds, after two runs that do not count."""
    spent = []
    for turn in range(runs + 2):
        start = time.perf_counter()
        work()
        if turn >= 2:
            spent.append((time.perf_counter() - start) * 1e3)
    return {"median": float(np.median(spent)), "p95": float(np.percentile(spent, 95))}


def peak_gflops(side: int = 768, runs: int = 20) -> float:
    """What one thread of this machine multiplies at best: numpy's float32 matrix product."""
    a = np.random.default_rng(0).random((side, side), np.float32)
    best = min(timed(lambda: a @ a, 1)["median"] for _ in range(runs))
    return 2 * side**3 / best / 1e6


def measure() -> dict:
    """Every figure of the bench as a dict that JSON can hold."""
    start = time.perf_counter()
    pack = Pack.load(device="cpu", threads=1)
    loaded = time.perf_counter() - start
    frame = frame_720p()
    engines = {name: FaceSwapper(name, pack) for name in ("idn", "mesh")}
    for swapper in engines.values():
        swapper.set_source(frame)
    stages = {name: timed(work) for name, work in works(pack, frame).items()}
    for name, swapper in engines.items():
        stages[f"frame_{name}"] = timed(lambda s=swapper: s.swap_frame(frame))
        stages[f"picture_{name}"] = timed(
            lambda s=swapper: (s.set_source(frame), s.swap_frame(frame))
        )
    clips = {name: clip_rate(name) for name in engines}
    peak = peak_gflops()
    gflops = 2 * pack.manifest.graphs["swap"].macs / stages["swap"]["median"] / 1e6
    return {
        "milliseconds": stages,
        "clip_frames_per_second": clips,
        "gflops": {"matrix_multiply": peak, "idn": gflops, "idn_share": gflops / peak},
        "load": os.getloadavg()[0],
        "load_pack_seconds": loaded,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "model_bytes": sum(graph.bytes for graph in pack.manifest.graphs.values()),
        "provider": pack.provider,
    }


def clip_rate(engine: str, seconds: float = 6.0) -> float:
    """Frames a second from file to file, sound and signature and all: 720p at 30, on every core.

    Two clips of different length are timed, so that opening the weights does not count.
    """
    with TemporaryDirectory() as folder:
        source, clip, out = (Path(folder) / name for name in ("a.png", "a.mp4", "b.mp4"))
        write_picture(source, frame_720p())
        write_clip(clip, seconds)
        spent = {}
        for end in (1.0, seconds):
            outcome = swap_clip([Part(source)], clip, out, Settings(engine, end=end))
            spent[outcome.frames] = outcome.seconds
        (few, short), (many, long) = sorted(spent.items())
        return (many - few) / max(long - short, 1e-6)


def write_clip(path: Path, seconds: float) -> None:
    """The portrait moving slowly, in H.264 with a hum in AAC."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.height, stream.width = FRAME
        hum = target.add_stream("aac", rate=48_000, layout="mono")
        frame, turn = frame_720p(), np.float32([[1, 0, 0], [0, 1, 0]])
        for n in range(round(seconds * 30)):
            turn[0, 2] = 25 * np.sin(n / 12)
            moved = cv2.warpAffine(frame, turn, FRAME[::-1], borderMode=cv2.BORDER_REFLECT)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
            wave = 0.1 * np.sin(np.arange(1600) / 20, dtype=np.float32)[None]
            sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 48_000, 1600 * n
            target.mux(hum.encode(sound))
        target.mux([*stream.encode(None), *hum.encode(None)])


def works(pack: Pack, frame: Array) -> dict[str, Callable[[], object]]:
    """Stage -> what to time, each on the arrays that the stages before it made."""
    topology = pack.manifest.mesh
    face = pack.faces(frame)[0]
    crop, matrix = pack.align(frame, face)
    found, identity = mesh(pack.mesh, crop), encode(pack.encode, crop)
    painter = pack.painter(inject(pack.inject, identity))
    patch, mask = swap(painter, crop)
    source = Source.of(crop, found.points, topology)
    return {
        "detect": lambda: pack.faces(frame),
        "align": lambda: warp_crop(frame, matrix, len(crop)),
        "mesh": lambda: mesh(pack.mesh, crop),
        "encode": lambda: encode(pack.encode, crop),
        "inject": lambda: inject(pack.inject, identity),
        "bake": lambda: pack.painter(np.zeros(22_291, np.float32)),
        "swap": lambda: swap(painter, crop),
        "warp": lambda: warp(source, crop, found, topology),
        "paste": lambda: paste(frame, patch, mask, matrix),
    }


def report(*, as_json: bool = False) -> None:
    """Print the figures, as a table or as JSON alone."""
    single_thread()
    figures = measure()
    if as_json:
        print(json.dumps(figures, indent=1))
        return
    for name, spent in figures["milliseconds"].items():
        print(f"{name:12} {spent['median']:8.2f} ms   p95 {spent['p95']:8.2f}")
    for name, rate in figures["clip_frames_per_second"].items():
        print(f"clip_{name:7} {rate:8.1f} frames a second, 720p from file to file, every core")
    gflops = figures["gflops"]
    print(f"idn          {gflops['idn']:.0f} GFLOP/s, {gflops['idn_share']:.0%} of this machine's "
          f"matrix multiply ({gflops['matrix_multiply']:.0f})")  # fmt: skip
    print(f"pack         {figures['model_bytes'] / 1e6:.1f} MB, opened in "
          f"{figures['load_pack_seconds']:.2f} s, {figures['provider']}")  # fmt: skip
    print(f"memory       {figures['peak_memory_mb']:.0f} MB at most; load {figures['load']:.2f}")


def single_thread() -> None:
    """numpy reads its thread count at start: begin again where it was not told."""
    cv2.setNumThreads(1)
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "demo", *sys.argv[1:]])
