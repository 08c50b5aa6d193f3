"""Every graph that is shipped against the torch network that it was written from, to 1e-4."""

import numpy as np
import pytest
import torch

from demo.manifest import load
from demo.sessions import open_session
from models.export import RECIPES, build, shape
from models.networks.inject import Inject
from models.networks.layers import count
from models.networks.swap import KERNELS, LAYERS, Config, Swap


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
    params, macs = count(Swap(), *Swap().inputs().values())
    assert params + taps + biases == 499_825
    assert round(macs / 1e6, 1) == 305.7
    assert (KERNELS, taps) == (22_291, 20_400)


def test_identity_decides_what_is_painted():
    torch.manual_seed(0)
    inject, swap = Inject().eval(), Swap(Config(64, 64)).eval()
    crop = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        one, other = (swap(crop, inject(**inject.inputs())[0])[0] for _ in range(2))
    assert (one - other).abs().mean() > 1e-3


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
