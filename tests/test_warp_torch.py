"""The mesh teacher in torch paints what the shipped mesh engine paints."""

import cv2
import numpy as np
import pytest
import torch

import demo.warp as shipped
import models.warp as teacher
from demo.manifest import load
from demo.mesh import Mesh, mesh
from tests.test_warp import skin

TOPOLOGY = load(check=False).mesh
MEAN = TOPOLOGY.mean


@pytest.fixture(scope="module")
def pairs(pack, astronaut):
    """(source, its mesh, crop, its mesh): a face and its turned mirror, and soft noise."""
    turned = cv2.warpAffine(
        np.ascontiguousarray(astronaut[:, ::-1]),
        cv2.getRotationMatrix2D((288, 110), 8, 1.1), (512, 512), borderValue=(90, 90, 90),
    )  # fmt: skip
    faces = []
    for picture in (astronaut, (turned * 0.7).astype(np.uint8)):
        face = pack.faces(picture)[0]
        crop, _ = pack.align(picture, face)
        faces.append((crop, mesh(pack.mesh, crop).points))
    bent = MEAN * np.float32([0.92, 0.95, 1]) + np.float32([9, 4, 0])
    return [
        (*faces[0], *faces[1]),
        (*faces[1], *faces[0]),
        (skin(), MEAN, skin(seed=4), bent.astype(np.float32)),
    ]


def both(pairs):
    """Shipped and torch, as uint8-scaled patches (n, s, s, 3) and masks (n, s, s)."""
    one = [
        shipped.warp(shipped.Source.of(s, sm, TOPOLOGY), c, Mesh(cm, 1.0), TOPOLOGY)
        for s, sm, c, cm in pairs
    ]
    source, source_mesh, crop, crop_mesh = (
        torch.from_numpy(np.stack(column)) for column in zip(*pairs, strict=True)
    )
    images = [x.permute(0, 3, 1, 2).float() / 255 for x in (source, crop)]
    patch, mask = teacher.warp(images[0], source_mesh, images[1], crop_mesh, TOPOLOGY)
    other = patch.permute(0, 2, 3, 1).numpy() * 255, mask[:, 0].numpy()
    return [np.stack(x) for x in zip(*one, strict=True)], other


def test_both_engines_paint_the_same(pairs):
    (patch, mask), (other, veil) = both(pairs)
    for i in range(len(pairs)):
        inside = mask[i] > 0.05
        # Of 255; the shipped engine cuts to whole levels twice, half a level each on average, and
        # OpenCV looks pixels up at 32nds of their distance.
        assert np.abs(patch[i] + 1.0 - other[i])[inside].mean() < 1.5
        assert np.abs(mask[i] - veil[i]).mean() < 0.004
        assert np.quantile(np.abs(mask[i] - veil[i]), 0.99) < 0.08
        assert (veil[i] > 0.5).mean() > 0.1


def test_the_nearest_triangle_keeps_a_pixel():
    """A mesh turned so far that its nose hides a cheek: OpenCV paints far ones first."""
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.9, 0.0]))
    middle = MEAN.mean(0)
    target = ((MEAN - middle) @ turn.T + middle).astype(np.float32)
    where, inside = shipped.carry(MEAN, target, TOPOLOGY, 224)
    two = [torch.from_numpy(x)[None] for x in (MEAN, target)]
    other, within = (x[0].numpy() for x in teacher.carry(*two, TOPOLOGY, 224))
    common = inside & (within[0] > 0)
    assert common.sum() > 0.97 * inside.sum()
    apart = np.abs(where - other)[common].max(1)
    assert np.quantile(apart, 0.95) < 0.2  # the rest: edges, where OpenCV fills half a pixel more
    assert apart.mean() < 0.1
