"""Write tests/data/keras/backend.json: what functions of tf_keras 2.21's backend give.

CUDA_VISIBLE_DEVICES=-1 python make_backend.py keras/backend.json
"""

import json
import pathlib
import sys

import tensorflow as tf
from tf_keras import backend as K

FLOATS = [[0.5, -1.5, 2.25], [1.0, 4.0, -0.75]]
WHOLE = [[5, -7, 2], [1, 3, -4]]
# Names that calls use; those with a dtype are tensors, the others what Python holds.
ARGUMENTS = {
    "f32": ("float32", FLOATS),
    "f64": ("float64", FLOATS),
    "f16": ("float16", FLOATS),
    "i32": ("int32", WHOLE),
    "i64": ("int64", WHOLE),
    "u8": ("uint8", [[5, 7, 200], [100, 3, 4]]),
    "truth": ("bool", [[True, False, True], [False, False, True]]),
    "floats": (None, FLOATS),
    "whole": (None, WHOLE),
    "mixed": (None, [[1, 2.5, 3], [4, 5, 6]]),
    "number": (None, 0.75),
    "three": (None, 3),
    "labels": (None, [2, 0]),
    "bias": ("float32", [1.0, 2.0, 3.0]),
    "cube": ("float32", [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]),
}
ANY = ["f32", "f64", "f16", "i32", "i64", "floats", "whole", "mixed", "number", "three"]
ARRAYS = [name for name in ANY if name not in ("number", "three")]
FRACTIONS = ["f32", "f64", "f16", "floats", "mixed", "number"]
TENSORS = ["f32", "f64", "f16", "i32", "i64", "u8"]


def calls():
    """Yield expressions with K and the names of the arguments."""
    for name in [
        "abs",
        "sign",
        "square",
        "round",
        "zeros_like",
        "ones_like",
        "flatten",
    ]:
        yield from (f"K.{name}({x})" for x in ANY)
    yield from (f"K.log(K.abs({x}))" for x in FRACTIONS)
    for name in ["exp", "sin", "cos"]:
        yield from (f"K.{name}({x})" for x in FRACTIONS)
    for name in ["sum", "prod", "max", "min"]:
        yield from (f"K.{name}({x})" for x in [*ANY, "u8"])
        yield from (f"K.{name}({x}, axis=-1)" for x in ("f32", "i32", "whole"))
        yield from (
            f"K.{name}({x}, [0, 1], keepdims=True)" for x in ("f32", "i32", "floats")
        )
    for x in [*TENSORS, "truth"]:
        yield from (f"K.mean({x})", f"K.mean({x}, axis=0)")
    for name in ["std", "var"]:
        yield from (f"K.{name}({x}, axis=1)" for x in ("f32", "f64", "f16"))
    for x in ARRAYS:
        yield from (f"K.{name}({x})" for name in ("cumsum", "cumprod", "argmax"))
        yield from (f"K.{name}({x})" for name in ("transpose", "expand_dims"))
        yield from (f"K.reshape({x}, (-1,))", f"K.tile({x}, [2, 1])")
        yield from (f"K.reverse({x}, 1)", f"K.gather({x}, [1, 0, 1])")
        yield from (
            f"K.stack([{x}, {x}], axis=1)",
            f"K.concatenate([{x}, {x}], axis=0)",
        )
        yield f"K.squeeze(K.expand_dims({x}, 0), 0)"
    for x in ANY:
        yield from (f"K.clip({x}, 0, 1)", f"K.pow({x}, 2)", f"K.clip({x}, 2, 1)")
        yield from (f"K.maximum({x}, 0)", f"K.cast({x}, 'float64')")
        yield from (f"K.minimum({x}, {x})", f"K.equal({x}, 1)", f"K.less({x}, {x})")
    for x in ("floats", "whole", "mixed", "number", "three"):
        yield f"K.constant({x})"
    for x in FRACTIONS:
        yield from (f"K.clip({x}, 0.0, 0.3)", f"K.clip({x}, None, 0.1)")
        yield from (
            f"K.clip({x}, 0.1, None)",
            f"K.pow({x}, 2.0)",
            f"K.maximum({x}, 0.1)",
        )
        yield f"K.clip({x}, K.epsilon(), 1 - K.epsilon())"
        yield f"K.greater({x}, 0.1)"
    for x in ["f32", "f64", "f16"]:
        yield from (f"K.maximum(0.1, {x})", f"K.minimum(floats, {x})", f"K.sqrt({x})")
        yield f"K.switch(truth, {x}, 0.0)"
        yield f"K.dot({x}, K.transpose({x}))"
    yield from (f"K.l2_normalize({x}, axis=-1)" for x in ("f32", "f64", "floats"))
    yield "K.bias_add(f32, bias)"
    yield "K.bias_add(cube, K.constant([[1, 2], [3, 4]]), 'channels_first')"
    yield "K.bias_add(cube, K.constant([1, 2]), 'channels_first')"
    yield "K.binary_crossentropy([0.0, 1.0], [0.25, 0.5])"
    yield "K.categorical_crossentropy([0.0, 1.0], [0.25, 0.75])"
    yield "K.sparse_categorical_crossentropy(labels, floats, from_logits=True)"
    for given in ("5", "1, 5", "1, 5, 2", "5, 1, -1", "-3", "0, 1, 0.25", "0.0, 3"):
        yield f"K.arange({given})"
    for given in ("3.0", "0, 1, 0.1", "1, 0, -0.1", "0.0, 100, 0.7", "0, 2.5"):
        yield f"K.arange({given})"
    for kind in ("float32", "int64", "bool"):
        yield f"K.arange(4, dtype='{kind}')"
    yield "K.arange(0, 1, 0.25, dtype='int32')"
    yield "K.constant([1, 2], shape=(2, 1))"
    yield "K.constant([1, 2, 3, 4], shape=(2, 2))"
    yield "K.constant(3, shape=(2, 2))"


def tensor(dtype, values):
    """Return an argument."""
    return values if dtype is None else tf.constant(values, dtype)


scope = {name: tensor(*given) for name, given in ARGUMENTS.items()} | {"K": K}
found = {}
for call in calls():
    value = eval(call, scope)
    found[call] = [value.dtype.name, value.numpy().tolist()]
with pathlib.Path(sys.argv[1]).open("w", encoding="utf-8") as file:
    rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
    given = json.dumps(ARGUMENTS)
    file.write(f'{{\n "arguments": {given},\n "calls": {{\n{rows}\n }}\n}}\n')
