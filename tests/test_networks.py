"""Every graph that is shipped against the torch network that it was written from, to 1e-4."""

import cv2
import numpy as np
import pytest
import torch

import models.count
from demo.manifest import load
from demo.sessions import blob, open_session
from models.export import RECIPES, build, shape
from models.networks import encode, inject
from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.layers import Whole, conv, count
from models.networks.swap import KERNELS, LAYERS, REFERENCE, Config, Swap


@pytest.mark.parametrize("name", list(RECIPES))
def test_graph_answers_as_its_network(name):
    network, graph = build(name, random=False), load().graphs[name]
    torch.manual_seed(7)  # other inputs than those that export looked at
    inputs = network.inputs()
    arrays = {key: value.numpy() for key, value in inputs.items()}
    session = open_session(graph.path, device="cpu", kernels=arrays.pop("kernels", None))
    with torch.no_grad():
        expected = network(**inputs)
    expected = (expected,) if isinstance(expected, torch.Tensor) else expected
    answers = session(**arrays)
    for key, tensor in zip(network.outputs, expected, strict=True):
        scale = max(1.0, tensor.abs().max().item())
        assert np.abs(answers[key] - tensor.numpy()).max() / scale < 1e-4


@pytest.mark.parametrize("name", list(RECIPES))
def test_manifest_tells_the_truth_about_size(name):
    network, graph = build(name, random=False), load().graphs[name]
    assert count(network, *network.inputs().values()) == (graph.params, graph.macs)
    assert graph.inputs == {k: shape(network, k, v) for k, v in network.inputs().items()}


def test_idn_is_the_papers_size():
    """networks.md: 499,825 with the published biases, which are all zero and absent here."""
    biases = sum(cin + cout for cin, cout, _ in LAYERS)
    taps = KERNELS - sum(cin for cin, _, _ in LAYERS)
    published, ours = (count(s, *s.inputs().values()) for s in (Swap(REFERENCE), Swap()))
    assert published[0] + taps + biases == 499_825 and ours[0] == published[0]
    assert round(published[1] / 1e6, 1) == 305.7 and ours[1] < published[1]
    assert (KERNELS, taps) == (22_291, 20_400)


def test_every_part_of_the_idn_costs_what_the_paper_says():
    """networks.md, MMACs of the nine blocks, the static end and the mask."""
    said = (1.8, 8.0, 7.2, 6.8, 6.6, 26.6, 55.0, 58.6, 65.8, 27.7, 41.4, 305.7)
    rows = models.count.rows(Swap(REFERENCE))
    assert [round(macs / 1e6, 1) for _, _, macs in rows] == list(said)
    assert rows[-1][:2] == ("all", 499_825)


def test_the_reference_networks_have_the_published_size():
    """networks.md: ArcFace 52 M and 7.5 GMACs, the generator 20.7 M and 220 MMACs."""
    (_, params, macs), swap = models.count.rows(Encode(encode.REFERENCE))[-1], Swap(REFERENCE)
    assert (round(params / 1e6), round(macs / 1e9, 1)) == (52, 7.5)
    _, params, macs = models.count.rows(Inject(inject.REFERENCE))[-1]
    shared = sum(p.numel() for p in swap.parameters())
    assert (round((params + shared) / 1e6, 1), round(macs / 1e6)) == (20.7, 220)


def test_parts_add_up_to_the_whole(capsys):
    models.count.main()
    assert "  all               499,825 parameters     305.7 MMACs" in capsys.readouterr().out
    for network in (Encode(), Inject()):
        *parts, whole = models.count.rows(network)
        assert tuple(map(sum, zip(*(row[1:] for row in parts), strict=True))) == whole[1:]


@pytest.mark.parametrize("config", [encode.MOBILE, encode.REFERENCE])
def test_the_embedding_has_length_one_and_each_vector_its_share(config):
    with torch.no_grad():
        embedding, features = Encode(config).eval()(torch.rand(2, 3, 224, 224))
    assert embedding.shape == (2, 512) and features.shape == (2, 512, 7, 7)
    lengths = embedding.view(2, config.vectors, -1).square().sum(2)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 1 / config.vectors))


def test_a_mirrored_face_is_the_same_person_who_looks_otherwise():
    network, crop = build("encode", random=False), torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        (one, features), (other, _) = network(crop), network(crop.flip(3))
        alone, raw = network.raw(network.reduce(crop))
    who, look = one.split(256, dim=1)
    torch.testing.assert_close(who, other[:, :256], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(look, alone[:, 256:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(features, raw, atol=1e-5, rtol=1e-4)
    assert (look - other[:, 256:]).abs().max() > 1e-3 and (who - alone[:, :256]).abs().max() > 1e-4


def test_a_convolution_as_large_as_its_map_is_learnt_as_the_sum_it_is():
    torch.manual_seed(0)
    layer = conv(8, 8, 7, groups=8, padding=0)[0]
    plain = torch.nn.Conv2d(8, 8, 7, groups=8, bias=False)
    plain.load_state_dict(layer.state_dict())
    maps = torch.randn(2, 8, 7, 7)
    assert isinstance(layer, Whole)
    torch.testing.assert_close(layer(maps), plain(maps))
    for network in (layer, plain):
        network(maps).square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-4)


def test_the_reference_encoder_reduces_as_opencv_does():
    """All sums of four levels, so every half and quarter is there."""
    levels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    found = Encode(encode.REFERENCE).reduce(torch.from_numpy(blob(levels)))
    small = cv2.resize(levels, (112, 112), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(found.mul(255).round()[0].permute(1, 2, 0), small)


def test_identity_decides_what_is_painted():
    """In the decoder: the untrained tail after it squeezes whatever it is given."""
    torch.manual_seed(0)
    writer, swap = Inject().eval(), Swap(Config(64, 64)).eval()
    crop = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        one, other = (swap.paint(crop, writer(**writer.inputs())[0])[2][-1] for _ in range(2))
    assert (one - other).norm() > 0.1 * one.norm()


def test_mask_does_not_bend_the_face():
    """Its features are detached: the mask's loss may not reach the encoder (networks.md)."""
    swap = Swap(Config(64, 64))
    crop, kernels = torch.rand(1, 3, 64, 64), torch.randn(KERNELS)
    _, deepest, _ = swap.paint(crop, kernels)
    swap.judge(deepest).sum().backward()
    assert all(weight.grad is None for weight in swap.pointwise)


@pytest.mark.parametrize("size", [64, 96])
def test_outside_the_mask_the_crop_stays(size):
    swap = Swap(Config(64, size)).eval()
    torch.nn.init.constant_(swap.verdict.bias, -100.0)
    inputs = swap.inputs()
    with torch.no_grad():
        patch, mask = swap(**inputs)
    assert patch.shape == inputs["crop"].shape and mask.max() < 1e-6
    assert (patch - inputs["crop"]).abs().max() < 1e-5


def test_the_lean_tail_answers_as_the_published_order():
    torch.manual_seed(0)
    lean, published = (Swap(Config(64, 64, lean)).eval() for lean in (True, False))
    published.load_state_dict(lean.state_dict())
    inputs = lean.inputs()
    with torch.no_grad():
        for one, other in zip(lean(**inputs), published(**inputs), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
