"""`python -m models.official GENERATOR ENCODER --out DIR` makes a pack of published checkpoints.

GENERATOR is MobileFaceSwap_224.pdparams, ENCODER arcface.pdparams, as the paper's authors published
them. They are read without Paddle and without being run. DIR is a folder that is not there yet; it
becomes a pack for `FaceSwapper(pack=DIR)`: encode, inject and swap are theirs, detect and mesh are
ours, alignment and paste as in their code.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from demo import manifest
from demo.errors import CheckpointError, PackError, SwapError
from models.export import export
from models.networks import encode, inject, swap
from models.published import Slots, encoder_slots, fill, generator_slots
from models.topology import write
from models.unpickle import STARTS, Blank, Name, unpickle

Array = np.ndarray
IGNORED = "StructuredToParameterName@@"  # Paddle's own names of the parameters
LARGEST = 1e6  # no trained weight comes near; a flipped bit of an exponent goes beyond
STEPS = 200  # opcodes for one array at most, a few times what the wordiest pickler takes
SMALL = 1 << 12  # numbers
SPARE = 1 << 20  # bytes that keys and opcodes may take
LICENSE = "the authors' (their code is Apache-2.0); training pictures for research"


def read(path: Path | str, slots: Slots) -> dict[str, Array]:
    """The arrays of a checkpoint, float32.

    slots: every key that must be there, and the place in a network that its array fits; no other
    key may be. Raises CheckpointError for whatever is not such a file.
    """
    path = Path(path)
    glance(path, slots)
    with named(path):
        return parse(path.read_bytes(), slots)


def glance(path: Path, slots: Slots) -> None:
    """What size, first and last bytes tell: other and truncated files, before they are read.

    Protocol 2 writes bytes as text: up to twice as long. Raises CheckpointError.
    """
    least = 4 * sum(slot.numel() for slot in slots.values())
    with named(path):
        size = path.stat().st_size
        if not least < size < 2 * least + SPARE:
            raise CheckpointError(f"got {size:,} bytes, expected a few more than {least:,}")
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(-1, os.SEEK_END)
            if start not in STARTS or file.read() != pickle.STOP:
                raise CheckpointError("not a whole pickle of protocol 2, 3 or 4")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Errors within say which file, and what to do."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path.name}: {error.strerror}; expected a checkpoint") from error
    except CheckpointError as error:
        raise CheckpointError(
            f"{path.name}: {error}; expected the file as it was published: fetch it again"
        ) from error


def parse(data: bytes, slots: Slots) -> dict[str, Array]:
    """The arrays of a file's bytes, for the slots. Raises CheckpointError."""
    try:
        return checked(unpickle(data, STEPS * (len(slots) + 5)), slots)
    except (ValueError, TypeError, OverflowError, Warning) as error:
        raise CheckpointError(str(error)) from error


def checked(content: object, slots: Slots) -> dict[str, Array]:
    if type(content) is not dict:
        raise ValueError("it holds no dictionary")
    table = content.pop(IGNORED, {})
    if type(table) is not dict or not all(type(name) is str for name in table.values()):
        raise ValueError(f"{IGNORED} is no table of names")
    for word, keys in (("missing", slots.keys() - content), ("left over", content.keys() - slots)):
        if keys:
            raise ValueError(f"keys {word}: {len(keys)}, first {min(keys)[:80]!r}")
    return {key: numbers(key, content[key], tuple(slot.shape)) for key, slot in slots.items()}


def numbers(key: str, found: object, shape: tuple[int, ...]) -> Array:
    """One array; what no trained network could hold is an error."""
    if not isinstance(found, Blank) or found.value is None or found.kind is not Name.ndarray:
        raise ValueError(f"{key} is no array")
    got, data = found.value
    if got != shape:
        raise ValueError(f"{key}: got shape {got}, expected {shape}")
    array = np.frombuffer(data, "<f4").reshape(shape)
    least = 0.0 if key.endswith("._variance") else -LARGEST
    if not (array.min() >= least and array.max() <= LARGEST):  # so not a number fails too
        raise ValueError(f"{key}: got numbers from {array.min():.3g} to {array.max():.3g}")
    return array


class Unfilled(TorchFunctionMode):
    """Large layers that are made within start as they lie in memory: a checkpoint will fill them.

    Small ones are drawn: an orthogonal start decomposes what it draws.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        draws = function in (torch.Tensor.uniform_, torch.Tensor.normal_)
        if draws and args[0].numel() > SMALL:
            return args[0]
        return function(*args, **(kwargs or {}))


def networks_of(generator: Path, encoder: Path) -> dict[str, torch.nn.Module]:
    """The reference networks with the published weights, in evaluation mode."""
    with Unfilled():
        made = {
            "encode": encode.Encode(encode.REFERENCE),
            "inject": inject.Inject(inject.REFERENCE),
            "swap": swap.Swap(swap.REFERENCE),
        }
    files = (
        (generator, generator_slots(made["inject"], made["swap"])),
        (encoder, encoder_slots(made["encode"])),
    )
    for path, slots in files:
        glance(path, slots)  # at both, before the first is read
    arrays = [read(path, slots) for path, slots in files]
    for (_, slots), found in zip(files, arrays, strict=True):
        fill(slots, found)
    return {name: network.eval() for name, network in made.items()}


def convert(generator: Path, encoder: Path, out: Path) -> None:
    """Write the pack `out`: all of it, or in case of any error nothing.

    Raises CheckpointError for files that are not the published ones, PackError when `out` is there.
    """
    if out.exists():
        raise PackError(f"{out.name}: is there already; expected the name of a new folder")
    made = networks_of(generator, encoder)
    sources = {"encode": encoder, "inject": generator, "swap": generator}
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        part = Path(folder) / "pack"
        part.mkdir()
        graphs = ours(part)
        for name, network in made.items():
            graphs[name] = export(name, network, part, f"{name}.onnx", facts(sources[name]))
        write(part / "manifest.json", like_theirs(graphs))
        manifest.load(part)
        os.replace(part, out)


def ours(folder: Path) -> dict[str, dict]:
    """Our detector and mesh, copied, and their entries."""
    pack, graphs = manifest.load(), {}
    for name in ("detect", "mesh"):
        shutil.copyfile(pack.graphs[name].path, folder / f"{name}.onnx")
        graphs[name] = {**pack.raw["graphs"][name], "file": f"{name}.onnx"}
    return graphs


def facts(source: Path) -> dict[str, str]:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"license": LICENSE, "trained_on": f"published: {source.name}, sha256 {digest}"}


def like_theirs(graphs: dict[str, dict]) -> dict:
    """Our manifest with the alignment and the paste of the published code."""
    raw = manifest.load(check=False).raw
    align, paste = {**raw["align"], "fit": "affine"}, {**raw["paste"], "style": "reference"}
    return {**raw, "align": align, "paste": paste, "graphs": graphs}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generator", type=Path, metavar="GENERATOR")
    parser.add_argument("encoder", type=Path, metavar="ENCODER")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(argv)
    try:
        convert(options.generator, options.encoder, options.out)
    except SwapError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.code) from error
    print(f"{options.out}: a pack; use it with FaceSwapper(pack={str(options.out)!r})")


if __name__ == "__main__":
    main()
