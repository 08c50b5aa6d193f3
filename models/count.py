"""`python -m models.count` prints parameters and multiply-accumulates, part by part.

Of the networks in both configurations: the paper's (`reference`) and what is shipped (`mobile`).
"""

from __future__ import annotations

from torch import nn

from models.networks import encode, inject, swap
from models.networks.layers import count, parts

Row = tuple[str, int, int]  # part, parameters, multiply-accumulates


def idn(network: swap.Swap) -> list[Row]:
    """The IDN as the paper counts it: with an identity's taps and the published biases.

    The biases are all zero and have no place in our graph; the channel scales are the IIM's.
    """
    side, rows = network.size, []
    for layer, (cin, cout, kernel) in enumerate(swap.LAYERS):
        deep = layer - len(swap.ENCODER)
        side = side // 2 if deep < 0 else side * 2
        weights = cin * kernel**2 + cin * cout
        name = f"dec{deep}" if deep >= 0 else f"enc{layer}"
        rows.append((name, weights + cin + cout, weights * side**2))
    static = parts(network, *network.inputs().values())
    mask = tuple(sum(n) for n in zip(static["mask"], static["verdict"], strict=True))
    # The tail may run in two pieces, which no counter knows by its name: it is what is left.
    whole = count(network, *network.inputs().values())[1]
    tail = whole - mask[1] - sum(macs for _, _, macs in rows)
    return [*rows, ("final", static["final"][0], tail), ("mask", *mask)]


def rows(network: nn.Module) -> list[Row]:
    """The parts of a network, and the whole."""
    if isinstance(network, swap.Swap):
        every = idn(network)
        return [*every, ("all", sum(row[1] for row in every), sum(row[2] for row in every))]
    inputs = network.inputs().values()
    found = [(name, *each) for name, each in parts(network, *inputs).items() if each[0]]
    return [*found, ("all", *count(network, *inputs))]


def main() -> None:
    for name in ("REFERENCE", "MOBILE"):
        for module, make in ((encode, encode.Encode), (inject, inject.Inject), (swap, swap.Swap)):
            print(f"{name.lower()} {make.__name__.lower()}")
            for part, params, macs in rows(make(getattr(module, name))):
                print(f"  {part:12} {params:12,} parameters {macs / 1e6:9.1f} MMACs")


if __name__ == "__main__":
    main()
