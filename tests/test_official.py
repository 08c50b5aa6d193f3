"""The published checkpoints: every key has its place, the pack answers as the authors' code does.

The arrays are synthetic: `../shared/parity/fill.py` makes those that the authors' answers were
taken with; without that folder a stand-in fills the same keys, and answers are not compared.
"""

import copy
import hashlib
import json
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from demo.align import invert
from demo.errors import CheckpointError, PackError
from demo.manifest import load
from demo.paste import harden, paste, rectangle
from demo.pipeline import FaceSwapper
from models.networks import encode, inject, swap
from models.official import convert, main, read
from models.published import encoder_slots, fill, generator_slots
from tests import parity, parity_torch

IGNORED = "StructuredToParameterName@@"
# Of the published keys and shapes, a line for each, in order of the keys.
DIGESTS = {
    "generator": "98ab9cbef07cca55b176474bf68276c4e7041dc21103e9fb38927b7a7d4cf1f0",
    "encoder": "d4fe9fed629ce8632dd1a4c3a07e1198e93c9a24b3049423421e5161b90fec5c",
}
needs_shared = pytest.mark.skipif(
    not parity.FOLDER.is_dir(), reason="needs the authors' answers in ../shared/parity"
)


@pytest.fixture(scope="module")
def networks():
    """The reference networks, full of numbers that are none."""
    made = {
        "encode": encode.Encode(encode.REFERENCE).eval(),
        "inject": inject.Inject(inject.REFERENCE).eval(),
        "swap": swap.Swap(swap.REFERENCE).eval(),
    }
    for tensor in floats(made):
        tensor.data.fill_(torch.nan)
    return made


def floats(networks):
    every = [t for n in networks.values() for t in (*n.parameters(), *n.buffers())]
    return [tensor for tensor in every if tensor.is_floating_point()]


@pytest.fixture(scope="module")
def slots(networks):
    generator = generator_slots(networks["inject"], networks["swap"])
    return {"generator": generator, "encoder": encoder_slots(networks["encode"])}


@pytest.fixture(scope="module")
def arrays(slots):
    make = parity.fill()
    return {
        name: {key: make(key, tuple(slot.shape)) for key, slot in its.items()}
        for name, its in slots.items()
    }


@pytest.fixture(scope="module")
def files(arrays, tmp_path_factory):
    """Both checkpoints, as Paddle pickles them."""
    folder, paths = tmp_path_factory.mktemp("published"), {}
    for name, content in arrays.items():
        table = {key: f"parameter_{i}.w_0" for i, key in enumerate(content)}
        paths[name] = folder / f"{name}.pdparams"
        paths[name].write_bytes(pickle.dumps({**content, IGNORED: table}, protocol=4))
    yield paths
    shutil.rmtree(folder)  # pytest would keep 300 MB of each of the last runs


@pytest.fixture(scope="module")
def filled(networks, slots, files):
    for name, path in files.items():
        fill(slots[name], read(path, slots[name]))
    return networks


@pytest.fixture(scope="module")
def folder(files, tmp_path_factory):
    """The pack that is made of both."""
    out = tmp_path_factory.mktemp("official") / "packs" / "reference"
    main([*map(str, files.values()), "--out", str(out)])
    yield out
    shutil.rmtree(out)


@pytest.mark.parametrize("name", list(DIGESTS))
def test_the_keys_and_shapes_are_the_published_ones(slots, name):
    lines = (f"{key} {list(slot.shape)}" for key, slot in sorted(slots[name].items()))
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == DIGESTS[name]


@needs_shared
def test_the_keys_are_those_of_the_authors(slots, arrays):
    kept = json.loads((parity.FOLDER / "keys.json").read_text())
    for name, network in (("generator", "BuildFaceSwap"), ("encoder", "ArcFaceResNet")):
        assert list(slots[name].keys() ^ kept[network]) == []
        for key, array in arrays[name].items():
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            assert list(array.shape) == kept[network][key]["shape"]
            assert digest.startswith(kept[network][key]["sha256_16"])


def test_every_number_of_the_networks_is_read(filled):
    assert not any(tensor.isnan().any() for tensor in floats(filled))


def test_layouts(filled, arrays):
    encoder, generator = arrays["encoder"], arrays["generator"]

    def same(ours, theirs):
        np.testing.assert_array_equal(ours.detach(), theirs)

    same(filled["encode"].head[0].weight, encoder["fc.weight"].T)
    same(filled["encode"].stem[1].weight, encoder["prelu._weight"])
    same(filled["encode"].body[2][22].after[0].weight, encoder["layer3.22.conv2.weight"])
    same(filled["inject"].decoder.sides[3].weight, generator["predictor.decoder.3.weight.weight"])
    rows = filled["inject"].scales.weight.split(swap.SCALES)
    same(rows[5], generator["DecoderModulation.0.style.weight"].T)
    same(filled["swap"].mask[22].weight, generator["mask.4.2.weight"])


def test_the_pack_is_whole_and_like_ours(folder, files):
    pack, ours = load(folder), load()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{name}.onnx" for name in ours.graphs), "manifest.json"]
    )
    assert (pack.align.fit, pack.paste.style) == ("affine", "reference")
    assert list(pack.graphs) == list(ours.graphs)
    for name, graph in ours.graphs.items():
        assert pack.graphs[name].inputs == graph.inputs
        assert pack.graphs[name].outputs == graph.outputs
    for name in ("detect", "mesh"):
        assert pack.graphs[name].path.read_bytes() == ours.graphs[name].path.read_bytes()
    digest = hashlib.sha256(files["encoder"].read_bytes()).hexdigest()
    assert digest in pack.graphs["encode"].trained_on


def test_a_swapper_takes_the_pack(folder, astronaut):
    swapper = FaceSwapper("idn", folder)
    swapper.set_source(astronaut)
    out = swapper.swap_frame(astronaut)
    assert swapper.report.swapped == 1
    matrix = swapper.pack.align(astronaut, swapper.pack.faces(astronaut)[0])[1]
    x0, y0, x1, y1 = rectangle(invert(matrix), 224, astronaut.shape)
    changed = np.abs(out.astype(int) - astronaut)
    assert changed[y0:y1, x0:x1].mean() > 1
    changed[y0:y1, x0:x1] = 0
    assert not changed.any()


@needs_shared
def test_torch_answers_as_the_authors_code(filled):
    parity.compare(parity_torch.answers_of(filled))


@needs_shared
def test_the_graphs_answer_as_the_authors_code_without_torch(folder):
    code = (
        "import sys; sys.modules['torch'] = None; from tests.parity import main; main(sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=parity.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "47 arrays agree\n"


@needs_shared
def test_the_authors_mask_and_patch_are_pasted_bit_for_bit():
    given = parity.reference()
    patch, mask = given["idn_out"][0].transpose(1, 2, 0) * 255, harden(given["idn_mask"][0, 0])
    out = paste(given["tgt_frame_rgb"], patch, mask, given["tgt_M"], "reference")
    np.testing.assert_array_equal(out, given["paste_rgb"])


@needs_shared
@pytest.mark.parametrize(
    ("spoil", "parts", "seen"),
    [
        (parity_torch.eps, ["encode"], "id_emb_raw"),
        (parity_torch.eps, ["inject"], "gen_first"),
        (parity_torch.eps, ["swap"], "idn_out"),
        (parity_torch.order, ["swap"], "idn_out"),
        (parity_torch.corners, ["swap"], "idn_out"),
        (parity_torch.transpose, ["inject", "swap"], "idn_out"),
    ],
)
def test_a_changed_detail_is_seen(filled, monkeypatch, spoil, parts, seen):
    """Each network by itself: a wrong detail in one may not hide behind the others."""
    networks = {name: copy.deepcopy(filled[name]) for name in filled}
    with monkeypatch.context() as patch:
        spoil(nn.ModuleDict({name: networks[name] for name in parts}), patch)
        answers = parity_torch.answers_of(networks)
    with pytest.raises(AssertionError, match=f"{seen} is off by"):
        parity.compare(answers)


class Call:
    def __reduce__(self):
        return sys.exit, (0,)


STYLE = "DecoderModulation.2.style.weight"  # not transposed, it would have our shape


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c | {"more": Call()}, "names what an array does not need"),
        (lambda c: dict(list(c.items())[:-1]), "keys missing: 1, first 'mask.5.bias'"),
        (
            lambda content: content | {"more": content["final.7.bias"]},
            "keys left over: 1, first 'more'",
        ),
        (
            lambda c: c | {STYLE: c[STYLE].T.copy()},
            r"style.weight: got shape \(256, 512\), expected \(512, 256\)",
        ),
    ],
)
def test_another_generator_is_named_and_nothing_is_written(files, arrays, tmp_path, change, words):
    wrong = tmp_path / "wrong.pdparams"
    wrong.write_bytes(pickle.dumps(change(arrays["generator"]), protocol=4))
    with pytest.raises(CheckpointError, match=words):
        convert(wrong, files["encoder"], tmp_path / "out" / "pack")
    assert list(tmp_path.iterdir()) == [wrong]


@pytest.mark.parametrize(("twice", "size"), [("generator", "82,8"), ("encoder", "209,0")])
def test_one_file_twice_is_named_and_nothing_is_written(files, tmp_path, capsys, twice, size):
    with pytest.raises(SystemExit) as ended:
        main([str(files[twice]), str(files[twice]), "--out", str(tmp_path / "pack")])
    said = capsys.readouterr().err
    assert ended.value.code == 7 and said.count("\n") == 1 and size in said
    assert list(tmp_path.iterdir()) == []


def test_an_older_folder_is_not_touched(files, tmp_path):
    with pytest.raises(PackError, match="already"):
        convert(files["generator"], files["encoder"], tmp_path)
    with pytest.raises(CheckpointError, match="No such file"):
        convert(tmp_path / "none.pdparams", files["encoder"], tmp_path / "pack")
    assert list(tmp_path.iterdir()) == []
