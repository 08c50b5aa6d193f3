"""The reference networks' answers in torch, to be compared with the authors' (tests/parity.py)."""

from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional as F

from demo.manifest import Align, load
from demo.paste import harden, paste
from demo.sessions import blob
from models.networks import swap
from models.published import generator_slots
from tests import parity


def answers_of(networks):
    """What torch says of every array that the authors' answers hold."""
    given, ours = parity.reference(), load(check=False).align
    e, i, s = networks["encode"], networks["inject"], networks["swap"]
    with torch.no_grad():
        crop = torch.from_numpy(blob(given["src_crop_rgb"]))
        levels = e.reduce(crop)
        embedding, features = e(crop)
        trunk = i.trunk_norm(i.trunk(features))
        found = {
            "id_input": e.scale(levels),
            "id_emb_raw": e.head(e.gather(features)),
            "id_emb": embedding,
            "id_feat": features,
            "gen_first": trunk,
            "gen_dec_first": i.lower_norm(i.lower(F.leaky_relu(trunk, 0.1))),
        }
        kernels = i(embedding, features)[0]
        crop = torch.from_numpy(blob(given["tgt_crop_rgb"]))
        patch, mask = s(crop, kernels)
        deepest = s.paint(crop, kernels)[1]
        deepest = torch.where(deepest < 0, deepest * 10, deepest)  # theirs is before LeakyReLU
        found |= {"idn_out": patch, "idn_mask": mask, "idn_enc4": deepest}
        answers = {name: tensor.numpy() for name, tensor in found.items()}
        for layer, scale in enumerate(s.unpack(kernels)[1]):
            weight = s.modulate(layer, scale).numpy()
            answers |= parity.weights(parity.LAYERS[layer], weight)
    small = (levels[0].permute(1, 2, 0) * 255).round().byte().numpy()
    painted = answers["idn_out"][0].transpose(1, 2, 0) * 255
    answers |= (
        {"id_crop112_rgb": small}
        | parity.taps(kernels.numpy())
        | parity.geometry(Align(ours.template, ours.size, "affine"))
    )
    soft, matrix = harden(answers["idn_mask"][0, 0]), answers["tgt_M"]
    whole = paste(given["tgt_frame_rgb"], painted, soft, matrix, "reference")
    return {**answers, "paste_rgb": whole}


# Details that are easily got wrong. networks: a ModuleDict; patch: undoes what is not in them.


def eps(networks, patch):
    for layer in networks.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            patch.setattr(layer, "eps", 1e-3)


def order(networks, patch):
    def cat(parts, dim):
        return torch.cat(parts[::-1], dim)

    other = SimpleNamespace(**{**vars(torch), "cat": cat})
    patch.setattr(swap, "torch", other)  # of that module alone


def corners(networks, patch):
    patch.setattr(swap, "up", lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"))


def transpose(networks, patch):
    slot = generator_slots(networks["inject"], networks["swap"])["DecoderModulation.0.style.weight"]
    slot.copy_(slot.T.clone())
