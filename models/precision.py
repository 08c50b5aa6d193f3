"""`precision` says in which number format this machine multiplies fast, and sets it.

Half precision (bfloat16) halves a step where the processor knows it, and costs a hundred times as
much where it must be imitated (measured: 0.8 against 73 GFLOPS a thread).
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def fast(device: str = "cpu") -> torch.dtype:
    """bfloat16, or float32 on a processor that does not know it."""
    known = device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if known else torch.float32


def autocast(device: str) -> torch.autocast:
    """Convolutions and matrix products inside run in the fast format."""
    kind = fast(device)
    return torch.autocast(device, kind, enabled=kind != torch.float32)
