"""`half` stores a graph's weights in half precision; the graph casts them back when it is opened.

The maths stay fp32, so nothing is slower: the runtime folds the casts like any constant. Only the
download shrinks, to half. It knows ONNX files. It knows nothing of what they compute.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 64  # numbers; fewer are left as they are


def half(data: bytes) -> bytes:
    """The bytes of an fp32 graph -> the same graph, its large initializers in fp16."""
    model = onnx.load_from_string(data)
    casts = [shrink(tensor) for tensor in model.graph.initializer if is_large(tensor)]
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    return model.SerializeToString()


def is_large(tensor: TensorProto) -> bool:
    """External ones are left alone: the session that is opened for an identity brings them."""
    inside = tensor.data_location != TensorProto.EXTERNAL
    return inside and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST


def shrink(tensor: TensorProto) -> onnx.NodeProto:
    """Turn an initializer, in place, into a half-precision one, and return the cast back."""
    name, values = tensor.name, numpy_helper.to_array(tensor)
    if np.abs(values).max() > np.finfo(np.float16).max:
        raise ValueError(f"{name}: got weights beyond half precision's 65504; leave it in fp32")
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
    return helper.make_node("Cast", [f"{name}.half"], [name], f"{name}.cast", to=TensorProto.FLOAT)
