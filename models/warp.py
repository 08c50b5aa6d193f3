"""`warp` is the mesh teacher: the mesh engine (demo/warp) for many pairs at once, in torch.

Function by function the same as there, and tested equal to it; on a GPU it paints thousands of
training pictures a second. It knows tensors; it knows nothing of files or losses.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from demo.manifest import Topology
from demo.warp import DETAIL, FOCUS, SIDES, SKIN

FINE = 112  # pixels: where hair is looked for


def warp(
    source: Tensor, source_points: Tensor, crop: Tensor, points: Tensor, topology: Topology
) -> tuple[Tensor, Tensor]:
    """source, crop: (n, 3, s, s) RGB 0..1. points: (n, 468, 3) in pixels of their crop.

    Returns patch (n, 3, s, s) and mask (n, 1, s, s), 0 keep .. 1 swap.
    """
    size = crop.shape[-1]
    where, inside = carry(source_points, points, topology, size)
    painted = sample(source, where, "bicubic", "reflection").clamp(0, 1)
    lit = refocus(relight(painted, crop, inside), crop, inside)
    hidden = sample(covered(source, source_points, topology), where, "bilinear", "zeros")
    free = 1 - torch.maximum(covered(crop, points, topology), hidden)
    kept = 1 - mouth(points, topology, size)
    known = sample(border(size).to(crop).expand(len(crop), 1, -1, -1), where, "bilinear", "zeros")
    return lit, hull(points, topology, size) * free * kept * known


def carry(source: Tensor, target: Tensor, topology: Topology, size: int) -> tuple[Tensor, Tensor]:
    """Where each pixel of the targets' faces lies in the sources: (n, s, s, 2), and (n, 1, s, s).

    Every triangle asks all pixels of a window as large as the largest triangle; of those that hold
    a pixel the nearest to the camera keeps it.
    """
    n, corners = len(target), torch.as_tensor(topology.triangles, device=target.device).long()
    shape = target[:, corners]  # (n, t, 3, 3)
    order = shape[..., 2].mean(2).argsort(1)  # nearest first
    shape = shape.gather(1, order[..., None, None].expand_as(shape))
    plane = shape[..., :2]
    low = plane.amin(2).floor()
    side = int((plane.amax(2) - low).max().item()) + 2
    steps = torch.arange(side, device=target.device, dtype=target.dtype)
    window = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).view(1, 1, -1, 2)
    spots = low[:, :, None] + window  # (n, t, side * side, 2)
    holds = (barycentric(plane[:, :, None], spots) >= -1e-4).all(-1)
    holds &= ((spots >= 0) & (spots < size)).all(-1)
    place = torch.where(holds, spots[..., 1] * size + spots[..., 0], size * size).long()
    rank = torch.arange(len(corners), device=target.device).view(1, -1, 1).expand_as(place)
    label = torch.full((n, size * size + 1), len(corners), device=target.device)
    label.scatter_reduce_(1, place.flatten(1), rank.flatten(1), "amin")
    label = label[:, :-1]
    inside = label < len(corners)
    number = order.gather(1, label.clamp_max(len(corners) - 1))  # of the triangle at each pixel
    three = corners[number]  # (n, s * s, 3)
    rows = torch.arange(n, device=target.device).view(n, 1, 1)
    ways = torch.arange(size, device=target.device, dtype=target.dtype)
    pixels = torch.stack(torch.meshgrid(ways, ways, indexing="xy"), -1).view(1, -1, 2)
    share = barycentric(target[rows, three, :2], pixels)
    where = (share[..., None] * source[rows, three, :2]).sum(2)
    where = torch.where(inside[..., None], where, -1.0)
    return where.view(n, size, size, 2), inside.view(n, 1, size, size).to(target)


def barycentric(corners: Tensor, spots: Tensor) -> Tensor:
    """corners (..., 3, 2), spots (..., 2) -> (..., 3), each at least 0 inside the triangle."""
    a, b, c = corners.unbind(-2)
    along, up, spot = b - a, c - a, spots - a
    area = along[..., 0] * up[..., 1] - along[..., 1] * up[..., 0]
    area = torch.where(area.abs() < 1e-3, torch.full_like(area, math.inf), area)
    second = (spot[..., 0] * up[..., 1] - spot[..., 1] * up[..., 0]) / area
    third = (along[..., 0] * spot[..., 1] - along[..., 1] * spot[..., 0]) / area
    return torch.stack([1 - second - third, second, third], -1)


def sample(image: Tensor, where: Tensor, mode: str, padding: str) -> Tensor:
    """OpenCV's remap: (n, c, s, s) at pixels (n, s, s, 2)."""
    grid = (2 * where + 1) / image.shape[-1] - 1
    return F.grid_sample(image, grid, mode=mode, padding_mode=padding, align_corners=False)


def relight(painted: Tensor, crop: Tensor, inside: Tensor, width: float = 0.11) -> Tensor:
    sigma = width * crop.shape[-1]
    share = lowpass(inside, sigma) + 1e-3
    theirs = lowpass(crop * inside, sigma) / share
    own = lowpass(painted * inside, sigma) / share
    gain = ((theirs + 8 / 255) / (own + 8 / 255)).clamp(*DETAIL)
    return ((painted - own) * gain + theirs).clamp(0, 1)


def refocus(painted: Tensor, crop: Tensor, inside: Tensor) -> Tensor:
    sigma = max(0.8, crop.shape[-1] / 224)
    fine, theirs = (x - gauss(x, sigma) for x in (painted, crop))
    own, other = ((x.abs() * inside).sum((1, 2, 3)) for x in (fine, theirs))
    floor = 1e-3 / 255 * 3 * inside.sum((1, 2, 3)) + 1e-9
    gain = (other / (own + floor)).clamp(*FOCUS) - 1
    return (painted + gain.view(-1, 1, 1, 1) * fine).clamp(0, 1)


def lowpass(image: Tensor, sigma: float) -> Tensor:
    """A wide blur, made at an eighth of the size."""
    small = gauss(F.avg_pool2d(image, 8), sigma / 8)
    return F.interpolate(small, image.shape[-2:], mode="bilinear", align_corners=False)


def gauss(image: Tensor, sigma: float, reach: int = 4) -> Tensor:
    """OpenCV's GaussianBlur. reach: standard deviations it looks; 3 for OpenCV's 8-bit images."""
    half = (round(sigma * reach * 2 + 1) | 1) // 2
    steps = torch.arange(-half, half + 1, device=image.device, dtype=image.dtype)
    taps = torch.exp(-(steps**2) / (2 * sigma**2))
    taps = (taps / taps.sum()).expand(image.shape[1], 1, -1)
    wide = F.pad(image, (half, half, half, half), mode="reflect")
    rows = F.conv2d(wide, taps[:, :, None], groups=image.shape[1])
    return F.conv2d(rows, taps[..., None], groups=image.shape[1])


def hull(points: Tensor, topology: Topology, size: int) -> Tensor:
    """(n, 1, s, s): 1 inside the meshes' ovals, feathered inwards, 0 outside."""
    shape = polygon(points[:, list(topology.oval), :2].round(), size)
    feather = max(3, round(size / 18))
    before, after = feather // 2, feather - 1 - feather // 2
    shape = -F.max_pool2d(F.pad(-shape, (before, after, before, after), value=-1.0), feather, 1)
    return gauss(shape, feather / 2.5, reach=3)


def mouth(points: Tensor, topology: Topology, size: int) -> Tensor:
    """(n, 1, s, s): the inside of the lips, which stays the target's own."""
    shape = polygon(points[:, list(topology.lips), :2].round(), size)
    return gauss(shape, size / 150, reach=3)


def polygon(corners: Tensor, size: int) -> Tensor:
    """(n, k, 2) -> (n, 1, s, s): 1 inside and within half a pixel of the outline, as OpenCV fills.

    Even-odd rule, edge by edge.
    """
    ways = torch.arange(size, device=corners.device, dtype=corners.dtype)
    x, y = ways.view(1, 1, -1), ways.view(1, -1, 1)
    inside = torch.zeros(len(corners), size, size, dtype=torch.bool, device=corners.device)
    edge = torch.zeros_like(inside)
    for a, b in zip(corners.unbind(1), corners.roll(-1, 1).unbind(1), strict=True):
        (ax, ay), (bx, by) = (p.view(-1, 2, 1, 1).unbind(1) for p in (a, b))
        way = torch.where(by == ay, 1e-9, by - ay)
        inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / way + ax)
        length = ((bx - ax) ** 2 + (by - ay) ** 2).clamp_min(1e-9)
        along = (((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length).clamp(0, 1)
        apart = torch.maximum(
            (x - ax - along * (bx - ax)).abs(), (y - ay - along * (by - ay)).abs()
        )
        edge |= apart <= 0.5
    return (inside | edge)[:, None].to(corners)


def covered(crop: Tensor, points: Tensor, topology: Topology) -> Tensor:
    """(n, 1, s, s): how surely hair, cloth or a hat lies over the foreheads: demo/warp."""
    size = crop.shape[-1]
    points = points * (FINE / size)
    small = F.interpolate(crop, (FINE, FINE), mode="area")
    colour = lab(gauss(small, 1.0, reach=3))
    x, y = points[:, list(topology.cheeks), :2].round().long().clamp(0, FINE - 1).unbind(-1)
    bare = colour[torch.arange(len(crop))[:, None], :, y, x]  # (n, cheeks, 3)
    skin = bare.quantile(0.5, dim=1)[..., None, None]
    spread = torch.as_tensor(SKIN, device=crop.device).view(1, 3, 1, 1)
    far = ((colour - skin) ** 2 / spread).sum(1, keepdim=True).sqrt()
    over = above_brows(points, topology, FINE)
    found = gauss(((far - 2.0) / 1.5).clamp(0, 1) * over, 1.2)
    return F.interpolate(found, (size, size), mode="bilinear", align_corners=False)


def above_brows(points: Tensor, topology: Topology, size: int) -> Tensor:
    """(n, 1, s, s): 1 above the line along the brows, level to both sides of it."""
    brows = points[:, list(topology.brows), :2]
    along = brows[..., 0].round().cummax(1).values
    height = (brows[..., 1] - size / 60).round()
    ways = torch.arange(size, device=points.device, dtype=points.dtype)
    x = ways.expand(len(points), -1).contiguous()
    right = torch.searchsorted(along, x).clamp(1, along.shape[1] - 1)
    x0, x1, y0, y1 = (
        values.gather(1, index) for values in (along, height) for index in (right - 1, right)
    )
    share = ((x - x0) / (x1 - x0).clamp_min(1e-6)).clamp(0, 1)
    line = (y0 + share * (y1 - y0))[:, None, None]  # (n, 1, 1, s)
    return (ways.view(1, 1, -1, 1) <= line + 0.5).to(points)


def border(size: int) -> Tensor:
    """(s, s): 1 in a crop, falling to 0 at its sides."""
    way = torch.minimum(torch.arange(size), torch.arange(size).flip(0)) / (size * SIDES)
    ramp = way.clamp(0, 1)
    return torch.minimum(ramp[:, None], ramp[None])


def lab(image: Tensor) -> Tensor:
    """(n, 3, s, s) RGB 0..1 -> CIE L, a, b in OpenCV's 8-bit units."""
    linear = torch.where(image > 0.04045, ((image + 0.055) / 1.055) ** 2.4, image / 12.92)
    matrix = linear.new_tensor([[0.412453, 0.357580, 0.180423],
                                [0.212671, 0.715160, 0.072169],
                                [0.019334, 0.119193, 0.950227]])  # fmt: skip
    white = linear.new_tensor([0.950456, 1.0, 1.088754]).view(1, 3, 1, 1)
    xyz = torch.einsum("ij,njhw->nihw", matrix, linear) / white
    root = torch.where(xyz > 0.008856, xyz.clamp_min(1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = root.unbind(1)
    return torch.stack([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128], 1)
