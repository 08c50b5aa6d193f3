"""Checkpoints that are not what they should be: always the named error, nothing run or changed.

The files are small, so that every bit can be tried; the reader does not know how large they may be.
"""

import pickle
import pickletools
import random
import struct
from itertools import pairwise

import numpy as np
import pytest
import torch

from demo.errors import CheckpointError
from models.official import IGNORED, parse, read

RNG = np.random.default_rng(0)
SHAPES = {"a.weight": (4, 3, 1, 1), "a._mean": (3,), "n._variance": (5,), "fc.weight": (2, 6)}
ARRAYS = {key: RNG.uniform(0.1, 1, shape).astype(np.float32) for key, shape in SHAPES.items()}
TABLE = {key: f"layer_{i}.w_0" for i, key in enumerate(SHAPES)}
# Larger than a frame, as the published arrays are: they lie between frames.
LARGE = {**ARRAYS, "large": RNG.uniform(-1, 1, (150, 150)).astype(np.float32)}


def written(protocol, arrays=ARRAYS, numpy=2):
    """A checkpoint as Paddle pickles it, with the module names of numpy 1 or 2."""
    data = pickle.dumps({**arrays, IGNORED: TABLE}, protocol)
    if numpy == 2:
        return data
    if protocol < 4:
        return data.replace(b"cnumpy._core.", b"cnumpy.core.")
    data = data.replace(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")
    return data[:3] + struct.pack("<Q", len(data) - 11) + data[11:]  # its only frame


def slots_for(shapes=SHAPES):
    return {key: torch.empty(shape) for key, shape in shapes.items()}


@pytest.fixture
def refused(tmp_path):
    """A function: assert that these bytes are no checkpoint, and that nothing came of them."""
    path = tmp_path / "wrong.pdparams"

    def refuse(data, words=""):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=r"^wrong\.pdparams: .*" + words):
            read(path, slots_for())
        assert list(tmp_path.iterdir()) == [path]

    return refuse


def skeleton(data):
    """Where the bytes lie that say what the file is: not numbers, not Paddle's own names."""
    steps = list(pickletools.genops(data))
    numbers = {array.tobytes() for array in LARGE.values()}
    places = []
    for (opcode, arg, at), (_, _, after) in pairwise(steps):
        if arg == IGNORED:
            return [*places, *range(at, after), len(data) - 1]
        raw = arg.encode("latin1") if isinstance(arg, str) and arg.isascii() is False else arg
        head = 2 if "SHORT" in opcode.name else 5  # the opcode and the length of the numbers
        places += range(at, at + head if raw in numbers else after)
    raise AssertionError("no table of names")


BASES = [(protocol, numpy) for protocol in (2, 3, 4) for numpy in (1, 2)]


@pytest.mark.parametrize(("protocol", "numpy"), BASES)
def test_every_protocol_and_both_names_of_numpy_are_read(tmp_path, protocol, numpy):
    path = tmp_path / "right.pdparams"
    path.write_bytes(written(protocol, numpy=numpy))
    found = read(path, slots_for())
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_larger_than_a_frame(tmp_path, protocol):
    path = tmp_path / "right.pdparams"
    path.write_bytes(written(protocol, LARGE))
    found = read(path, slots_for({key: array.shape for key, array in LARGE.items()}))
    np.testing.assert_array_equal(found["large"], LARGE["large"])


@pytest.mark.parametrize("dumps", [pickle.dumps, pickle._dumps])
def test_one_frame_around_all_as_before_python_3_7(dumps):
    data = dumps({**LARGE, IGNORED: TABLE}, 4)
    frames = [at for opcode, _, at in pickletools.genops(data) if opcode.name == "FRAME"]
    assert len(frames) == 2  # before and after the large array
    rest = b"".join(data[a + 9 : b] for a, b in pairwise([*frames, len(data)]))
    slots = slots_for({key: array.shape for key, array in LARGE.items()})
    for content in (data, data[:2] + b"\x95" + struct.pack("<Q", len(rest)) + rest):
        np.testing.assert_array_equal(parse(content, slots)["large"], LARGE["large"])


def test_what_python_2_wrote(tmp_path):
    """By hand: keys, bytes and names were one type of text there, integers of two kinds."""
    path, array = tmp_path / "old.pdparams", ARRAYS["fc.weight"]
    path.write_bytes(
        b"\x80\x02}q\x00U\x09fc.weightq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02"
        b"cnumpy\nndarray\nq\x03K\x00\x85q\x04U\x01bq\x05\x87q\x06Rq\x07(K\x01\x8a\x01\x02K\x06\x86"
        b"q\x08cnumpy\ndtype\nq\x09U\x02f4q\x0aK\x00K\x01\x87q\x0bRq\x0c(K\x03U\x01<q\x0dNNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89U\x30"
        + array.tobytes()
        + b"q\x0ftq\x10bs."
    )
    found = read(path, {"fc.weight": torch.zeros(2, 6)})
    np.testing.assert_array_equal(found["fc.weight"], array)


@pytest.mark.parametrize(
    ("protocol", "numpy", "arrays"),
    [*((protocol, numpy, ARRAYS) for protocol, numpy in BASES), (4, 2, LARGE)],
)
def test_every_flipped_bit_of_the_skeleton_is_refused(protocol, numpy, arrays):
    data = written(protocol, arrays, numpy)
    slots = slots_for({key: array.shape for key, array in arrays.items()})
    for place in skeleton(data):
        for bit in range(8):
            with pytest.raises(CheckpointError):
                parse(flipped(data, place, bit), slots)


def flipped(data, place, bit):
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize(("protocol", "numpy"), BASES)
def test_a_flip_elsewhere_changes_one_number_or_an_ignored_name_or_is_refused(protocol, numpy):
    """No reader could know it; the pack's manifest keeps the sums of the files."""
    data, slots = written(protocol, numpy=numpy), slots_for()
    for place in sorted(set(range(len(data))) - set(skeleton(data))):
        try:
            found = parse(flipped(data, place, place % 8), slots)
        except CheckpointError:
            continue
        changed = sum(int((found[key] != array).sum()) for key, array in ARRAYS.items())
        assert changed <= 2  # a byte of protocol 2 is half a letter: the next may go with it


@pytest.mark.parametrize(("protocol", "numpy"), BASES)
def test_a_file_cut_anywhere_is_refused(refused, protocol, numpy):
    data, slots = written(protocol, numpy=numpy), slots_for()
    for end in range(len(data)):
        with pytest.raises(CheckpointError):
            parse(data[:end], slots)
    refused(data[:-1])
    refused(data + b"\0")
    refused(data + data)


CALLS = [  # what a pickle can do to whoever runs it; each would leave a file
    b"cos\nsystem\nX\x0b\0\0\0touch CANARY\x85R",
    b"(S'touch CANARY'\nios\nsystem\n",
    b"(cos\nsystem\nS'touch CANARY'\no",
    b"cbuiltins\nexec\nX\x17\0\0\0open('CANARY','w').close\x85R",
    b"c__builtin__\neval\nX\x13\0\0\0open('CANARY', 'w')\x85R",
    b"cpathlib\nPath\nX\x06\0\0\0CANARY\x85\x81",
    b"cio\nopen\nX\x06\0\0\0CANARYX\x01\0\0\0w\x86R",
    b"cnumpy\nmemmap\nX\x06\0\0\0CANARY\x85R",
    b"cnumpy\nload\nX\x06\0\0\0CANARY\x85R",
    b"cnumpy\nndarray\n\x8a\x05\0\0\0\0\x10\x85\x85R",
    b"cnumpy\nndarray\n(K\x01K\x01\x86tR",
    b"cnumpy\ndtype\nX\x01\0\0\0O\x85R",
    b"cnumpy\ndtype\nN}X\x08\0\0\0__init__Ns\x86b",
    b"c_codecs\nencode\nX\x01\0\0\0aX\x08\0\0\0idna.bad\x86R",
    b"c_codecs\nlookup\nX\x01\0\0\0a\x85R",
    b"cnumpy.core.multiarray\n_reconstruct\n}X\x08\0\0\0__code__Nsb",
    b"\x80\x02", b"\x80\x04", b"\x82\x01", b"\x83\x01\x01", b"\x84\x01\0\0\0",  # extensions
    b"Pperson\n", b"NQ",  # persistent objects
    b"]", b"\x8f", b"N0", b"N2", b"(1", b"F1.5\n", b"I1\n", b"L1L\n", b"S'\\q'\n", b"V\\u0041\n",
    b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\x7f", b"X\xff\xff\xff\x7f", b"\x8b\xff\xff\xff\x7f",
    b"\x8d" + b"\xff" * 7 + b"\x7f", b"\x8e" + b"\xff" * 7 + b"\x7f", b"\x96" + b"\xff" * 8,
    b"\x95" + b"\xff" * 8, b"K\0" + b"\x85" * 800 + b"K\0\x93", b"}" * 900, b"(" * 900,
]  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("call", CALLS)
def test_hostile_opcodes_anywhere_are_refused(refused, tmp_path, monkeypatch, protocol, call):
    """After every opcode of a right file, and by themselves."""
    monkeypatch.chdir(tmp_path)
    data, slots = written(protocol), slots_for()
    for _, _, at in pickletools.genops(data):
        if at:
            with pytest.raises(CheckpointError):
                parse(data[:at] + call + data[at:], slots)
    refused(b"\x80" + bytes([protocol]) + call + b".")
    refused(data[:2] + call + b"." + bytes(len(data)))


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_mutations_are_refused(refused, seed):
    """Of every kind together, several in a file."""
    rng = random.Random(seed)
    for _ in range(250):
        data = written(*rng.choice(BASES)[:1], numpy=rng.choice((1, 2)))
        places = skeleton(data)
        for _ in range(rng.randint(1, 4)):
            place = rng.choice(places)
            kind = rng.choice(("flip", "cut", "drop", "insert", "swap"))
            if kind == "flip":
                data = flipped(data, min(place, len(data) - 1), rng.randrange(8))
            elif kind == "cut":
                data = data[: max(1, place)]
            elif kind == "drop":
                data = data[:place] + data[place + rng.randint(1, 9) :]
            elif kind == "insert":
                data = data[:place] + rng.choice(CALLS) + data[place:]
            else:
                data = data[:place] + rng.randbytes(8) + data[place + 8 :]
        refused(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a._mean": None}, "a._mean is no array"),
        ({"a._mean": {"a": 1}}, "a._mean is no array"),
        ({"a._mean": np.float32([1, 2])}, r"a._mean: got shape \(2,\), expected \(3,\)"),
        ({"a._mean": np.float64([1, 2, 3])}, "calls what an array does not need"),
        ({"a._mean": np.float32([1, np.nan, 3])}, "a._mean: got numbers"),
        ({"a._mean": np.float32([1, np.inf, 3])}, "a._mean: got numbers"),
        ({"a._mean": np.float32([1, 2, 1e30])}, "a._mean: got numbers"),
        ({"n._variance": np.float32([1, 2, 3, 4, -1])}, "n._variance: got numbers from -1"),
        ({"a.weight": np.zeros((4, 3, 1, 1), np.float32).T}, "not in the form"),
        ({"more": np.float32([1])}, "keys left over: 1, first 'more'"),
        ({IGNORED: ["names"]}, "not for arrays"),
        ({IGNORED: {"a": 1}}, "no table of names"),
    ],
)
def test_other_contents_are_named(refused, change, words):
    refused(pickle.dumps({**ARRAYS, IGNORED: TABLE, **change}, 3), words)


def test_missing_keys_other_files_and_other_protocols_are_named(refused):
    less = {key: array for key, array in ARRAYS.items() if key != "a._mean"}
    refused(pickle.dumps(less, 4), "keys missing: 1, first 'a._mean'")
    refused(b"", "got 0 bytes")
    refused(b"PK\x03\x04" + bytes(600), "not a whole pickle")
    refused(bytes(3 << 20), "bytes, expected a few more than")
    refused(pickle.dumps(list(ARRAYS.values()), 3), "not for arrays")
    refused(pickle.dumps(("x" * 300, 1), 3), "holds no dictionary")
    for protocol in (0, 1, 5):
        refused(pickle.dumps(ARRAYS, protocol), "not a whole pickle of protocol")
