"""`unpickle` reads a dictionary of float32 arrays from a pickle without running it.

A pickle is a program. This reader follows its opcodes (`pickletools`) and understands only those
that such a dictionary is written with, in protocols 2 to 4, by numpy 1 or 2. No opcode imports,
calls or builds anything: a name stays a name, a call is compared with the one that numpy writes.
It knows nothing of keys, of networks or of what the numbers mean.
"""

from __future__ import annotations

import io
import math
import pickletools
from dataclasses import dataclass
from enum import Enum


class Name(Enum):
    """What a checkpoint may name, as (module, name)."""

    ndarray = (("numpy", "ndarray"),)
    dtype = (("numpy", "dtype"),)
    reconstruct = tuple((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core"))
    encode = (("_codecs", "encode"),)


STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04")
NAMES = {written: name for name in Name for written in name.value}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
PLAIN = {"BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES",
         "SHORT_BINBYTES", "BINBYTES8", "BININT", "BININT1", "BININT2", "LONG1"}  # fmt: skip
ARRAY = (Name.ndarray, (0,), b"b")  # what numpy calls _reconstruct with
OLD_ARRAY = (Name.ndarray, (0,), "b")  # the same under Python 2
FLOAT32 = (3, "<", None, None, None, -1, -1, 0)  # the state of numpy's dtype
LINE = 200  # bytes; the longest line of a name has 36
FRAME = 1 << 16  # bytes after which a pickler ends a frame


@dataclass(eq=False)
class Blank:
    """Stands for what a call of `_reconstruct` or `dtype` would make.

    value: what BUILD brought; of an array (shape, bytes), of a dtype FLOAT32.
    """

    kind: Name
    value: tuple | None = None


def unpickle(data: bytes, steps: int) -> object:
    """What a file's only pickle holds: dict, tuple, str, bytes, int, bool, None and Blank.

    data: the file. An open file would be asked for as many bytes as a flipped length says.
    steps: opcodes that it may have.
    Raises ValueError, TypeError, OverflowError for anything out of the ordinary; warnings are
    pickletools' own, on opcodes that it decodes before they are refused.
    """
    if data[:2] not in STARTS:
        raise ValueError("not a pickle of protocol 2, 3 or 4")
    machine = Machine(protocol=data[1])
    for step, (opcode, arg, at) in enumerate(pickletools.genops(Source(data))):
        if step == 0:  # the protocol
            continue
        if opcode.proto > machine.protocol or step > steps:
            raise ValueError(f"{opcode.name} at byte {at:,} is not for arrays")
        if machine.protocol == 4:
            machine.frames.follow(opcode.name, arg, at)
        if opcode.name == "STOP":
            return machine.stop(at + 1, len(data))
        machine.step(opcode.name, arg, at)
    raise ValueError("its pickle has no end")


class Source(io.BytesIO):
    """The file for pickletools, which reads an opcode's text before we can refuse the opcode."""

    def readline(self, size: int = -1) -> bytes:
        return super().readline(LINE)


class Machine:
    """The stack machine; it stores and compares, and does nothing else."""

    def __init__(self, protocol: int):
        self.protocol = protocol
        self.frames = Frames()
        self.stack: list = []
        self.marks: list[int] = []  # heights of the stack
        self.memo: list = []

    def stop(self, end: int, size: int) -> object:
        if len(self.stack) != 1 or self.marks or end != size or end < self.frames.end:
            raise ValueError("its pickle does not end where the file ends")
        return self.stack.pop()

    def step(self, name: str, arg, at: int) -> None:
        push = self.stack.append
        match name:
            case "MARK":
                self.marks.append(len(self.stack))
            case "EMPTY_DICT":
                push({})
            case "TUPLE":
                push(tuple(self.above()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(self.take(int(name[-1]))))
            case "SETITEM":
                self.put(self.take(2))
            case "SETITEMS":
                self.put(self.above())
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                self.keep(arg)
            case "BINGET" | "LONG_BINGET":
                push(self.kept(arg))
            case "GLOBAL":
                push(named(*arg.split(" ", 1)))
            case "STACK_GLOBAL":
                push(named(*self.take(2)))
            case "REDUCE":
                push(called(*self.take(2), self.protocol))
            case "BUILD":
                state = self.take(1)
                build(self.top(), *state)
            case "FRAME":
                pass
            case _ if name in CONSTANTS:
                push(CONSTANTS[name])
            case _ if name in PLAIN:
                push(arg)
            case _:
                raise ValueError(f"{name} at byte {at:,} is not for arrays")

    def take(self, n: int) -> list:
        """The upper n things, off the stack."""
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < n:
            raise ValueError("an opcode takes from an empty stack")
        taken = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return taken

    def above(self) -> list:
        """All things above the last mark, and the mark, off the stack."""
        if not self.marks:
            raise ValueError("an opcode looks for a mark")
        taken = self.take(len(self.stack) - self.marks[-1])
        self.marks.pop()
        return taken

    def top(self) -> object:
        return self.stack[-1] if self.stack else None

    def put(self, items: list) -> None:
        into, keys = self.top(), items[::2]
        if type(into) is not dict or len(items) % 2 or not all(type(key) is str for key in keys):
            raise ValueError("its entries are no keys and values")
        if len(set(keys)) != len(keys) or into.keys() & set(keys):
            raise ValueError("it has a key twice")
        into.update(zip(keys, items[1::2], strict=True))

    def keep(self, index: int | None) -> None:
        """Picklers number what they keep in order; so every number is checked."""
        if index not in (None, len(self.memo)) or not self.stack:
            raise ValueError("its memory is out of order")
        self.memo.append(self.stack[-1])

    def kept(self, index: int) -> object:
        if index >= len(self.memo):
            raise ValueError("it remembers what it has not kept")
        return self.memo[index]


class Frames:
    """Protocol 4 wraps its opcodes in frames; a length that does not fit them is an error.

    A pickler ends a frame after 64 kB, writes large things between frames (from Python 3.7 on), and
    leaves out a frame around fewer than four bytes.
    """

    def __init__(self):
        self.end = self.last = self.free = 0  # free: opcodes that may follow without a frame

    def follow(self, name: str, arg: object, at: int) -> None:
        large = isinstance(arg, (str, bytes)) and len(arg) >= FRAME
        alone = large or name == "FRAME"
        inside = at < self.end
        if self.last < self.end < at or (inside and name == "FRAME"):
            raise ValueError("an opcode lies across the end of a frame")
        if not inside and not alone:
            self.free -= 1
        if self.free < 0:
            raise ValueError("an opcode lies outside the frames")
        if name == "FRAME":
            self.end = at + 9 + arg
        if alone and not inside:
            self.free = 3 if large or arg >= FRAME else 0
        self.last = at


def named(module: object, name: object) -> Name:
    if type(module) is not str or type(name) is not str:  # a deep tuple's hash ends the process
        raise ValueError("a name is not a text")
    if (module, name) not in NAMES:
        raise ValueError("it names what an array does not need")
    return NAMES[module, name]


def called(function: object, args: object, protocol: int) -> Blank | bytes:
    """What stands for a call: one of numpy's two, word for word, or protocol 2's of bytes."""
    if function is Name.reconstruct and args in (ARRAY, OLD_ARRAY):
        return Blank(Name.ndarray)
    if function is Name.dtype and args == ("f4", False, True):
        return Blank(Name.dtype)
    if function is Name.encode and protocol == 2 and type(args) is tuple and len(args) == 2:
        text, codec = args
        if type(text) is str and codec == "latin1":
            return text.encode("latin1")
    raise ValueError("it calls what an array does not need")


def build(blank: object, state: object) -> None:
    """Give an array or a dtype its state, once."""
    if not isinstance(blank, Blank) or blank.value is not None or type(state) is not tuple:
        raise ValueError("it changes what is no new array")
    if blank.kind is Name.ndarray:
        blank.value = contents(state)
    elif state == FLOAT32:
        blank.value = state
    else:
        raise ValueError("an array is not float32")


def contents(state: tuple) -> tuple[tuple[int, ...], bytes]:
    """(shape, bytes in C order) from the state of an array."""
    if len(state) != 5 or state[0] != 1 or state[3] is not False:
        raise ValueError("an array is not in the form that numpy writes")
    _, shape, dtype, _, data = state
    if not isinstance(dtype, Blank) or dtype.value != FLOAT32:
        raise ValueError("an array is not float32")
    if type(shape) is not tuple or not all(type(n) is int and 0 < n < 1 << 31 for n in shape):
        raise ValueError("a shape is none")
    data = data.encode("latin1") if type(data) is str else data  # Python 2 had one type for both
    if type(data) is not bytes or len(data) != 4 * math.prod(shape):
        raise ValueError(f"an array of shape {shape[:4]} has too few or too many bytes")
    return shape, data
