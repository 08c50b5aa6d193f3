"""The authors' answers for one identity against a pack's graphs, without torch.

    python -m tests.parity PACK

`../shared/parity/reference_1.npz` is what the published code says of two pictures with synthetic
weights (`fill.py`); `compare` says whether answers are the same.
"""

import runpy
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from skimage.data import astronaut

from demo.align import align, invert
from demo.detect import Face
from demo.encode import Identity
from demo.inject import inject
from demo.pack import Pack
from demo.pipeline import FaceSwapper
from demo.sessions import blob, open_session

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT.parent / "shared" / "parity"
GIVEN = {"src_pts", "tgt_frame_rgb", "tgt_pts", "meta_json"}
LAYERS = [f"enc{i}" for i in range(5)] + [f"dec{i}" for i in range(4)]
TOLERANCE = 1e-4  # of the value where it is larger than 1: a sum of 6,275 has no fourth digit
LEVELS, MEAN = 3, 0.15  # of pictures


def reference():
    with np.load(FOLDER / "reference_1.npz") as file:
        return {name: file[name] for name in file.files}


def stand_in(key, shape):
    """What trained weights might be: positive variances, rows of about unit length."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    fan = np.prod(shape[1:] or (100,))
    values = rng.normal(0, fan**-0.5, shape)
    positive = key.endswith("_variance") or (len(shape) == 1 and key.endswith("weight"))
    return (values + positive).astype(np.float32)


def fill():
    """Makes the array of a key and a shape; the one behind the answers, where that is there."""
    path = FOLDER / "fill.py"
    return runpy.run_path(str(path))["fill"] if path.exists() else stand_in


def compare(answers):
    """Assert that every array of the reference was answered, and agrees."""
    expected = reference()
    assert set(answers) == set(expected) - GIVEN
    for name, answer in answers.items():
        other = expected[name]
        assert answer.shape == other.shape, name
        off = np.abs(np.asarray(answer, np.float64) - other)
        if other.dtype == np.uint8:
            assert off.max() <= LEVELS and off.mean() <= MEAN, f"{name} is off by {off.max()}"
        else:
            worst = (off / np.maximum(1, np.abs(other))).max()
            assert worst <= TOLERANCE, f"{name} is off by {worst:.2g}"


def geometry(a):
    """What `align` answers, from the portrait and the points of the reference."""
    given, answers = reference(), {}
    for name, frame in (("src", astronaut()), ("tgt", given["tgt_frame_rgb"])):
        crop, matrix = align(frame, given[f"{name}_pts"], a.template, a.size, a.fit)
        answers |= {f"{name}_crop_rgb": crop, f"{name}_M": matrix}
    finer = align(given["tgt_frame_rgb"], given["tgt_pts"], a.template, 256, a.fit)[1]
    return {**answers, "tgt_M256": finer, "tgt_back": invert(answers["tgt_M"])}


def weights(name, w):
    """The arrays that the reference keeps of a layer's pointwise weights (cout, cin)."""
    stats = np.array([w.mean(), w.std(), w.min(), w.max(), np.abs(w).sum()])
    found = {f"w_{name}_pw_stats": stats}
    if w.size < 1 << 16:
        return {**found, f"w_{name}_pw": w[:, :, None, None]}
    project = w.astype(np.float64) @ np.cos(np.arange(w.shape[1]))
    return {**found, f"w_{name}_pw_s": w[::8, ::4], f"w_{name}_pw_proj": project}


def inner(path, kernels=None, **arrays):
    """Every array that a graph computes on the way, float32: (operator, value)."""
    model = onnx.load(path, load_external_data=False)
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    shown = {output.name for output in model.graph.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in makers if name not in shown
    )
    with TemporaryDirectory() as folder:
        opened = Path(folder) / path.name
        opened.write_bytes(model.SerializeToString())
        answers = open_session(opened, device="cpu", kernels=kernels)(**arrays)
    return [(makers[n], value) for n, value in answers.items() if value.dtype == np.float32]


def nearest(values, expected):
    """The array of the same size that is most like `expected`, in its shape."""
    same = [value.reshape(expected.shape) for _, value in values if value.size == expected.size]
    return min(same, key=lambda value: np.abs(value - expected).max())


def of_source(pack):
    """The arrays of the source's side, and its kernels."""
    given, graphs = reference(), pack.manifest.graphs
    values = inner(graphs["encode"].path, crop=blob(given["src_crop_rgb"]))
    names = ("id_input", "id_emb_raw", "id_emb", "id_feat")
    answers = {name: nearest(values, given[name]) for name in names}
    levels = nearest(values, given["id_crop112_rgb"].transpose(2, 0, 1) / 255) * 255
    answers["id_crop112_rgb"] = np.rint(levels).astype(np.uint8).transpose(1, 2, 0)
    identity = Identity(answers["id_emb"][0], answers["id_feat"][0])
    batch = {key: array[None] for key, array in vars(identity).items()}
    values = inner(graphs["inject"].path, **batch)
    answers |= {name: nearest(values, given[name]) for name in ("gen_first", "gen_dec_first")}
    return answers, inject(pack.inject, identity)


def of_target(pack, kernels):
    """The arrays of the target's side."""
    given = reference()
    values = inner(pack.manifest.graphs["swap"].path, kernels, crop=blob(given["tgt_crop_rgb"]))
    answers = {name: nearest(values, given[name]) for name in ("idn_out", "idn_mask", "idn_enc4")}
    pointwise = [value for maker, value in values if maker == "Div" and value.ndim == 2]
    for layer, weight in zip(LAYERS, pointwise, strict=True):
        answers |= weights(layer, weight)
    return answers | taps(kernels)


def taps(kernels):
    """The depthwise weights of the nine layers, cut from an identity's numbers."""
    given, answers, start = reference(), {}, 0
    for name in (f"w_{layer}_dw" for layer in LAYERS):
        end = start + given[name].size
        answers[name] = kernels[start:end].reshape(given[name].shape)
        start = end
    return answers


def pasted(pack, kernels):
    """The whole path of one frame."""
    given, swapper = reference(), FaceSwapper("idn", pack)
    swapper.set_source(kernels)
    box = np.array([0, 0, 1, 1], np.float32)  # what `detect` would find; only the points are used
    return swapper.swap_frame(given["tgt_frame_rgb"], [Face(box, given["tgt_pts"], 1.0)])


def main(folder):
    pack = Pack.load(folder, device="cpu", threads=1)
    answers, kernels = of_source(pack)
    answers |= geometry(pack.manifest.align) | of_target(pack, kernels)
    answers["paste_rgb"] = pasted(pack, kernels)
    compare(answers)
    assert sys.modules.get("torch") is None
    print(f"{len(answers)} arrays agree")


if __name__ == "__main__":
    main(sys.argv[1])
