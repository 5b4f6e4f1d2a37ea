"""The shape of every array that a case can have."""

import math

from ..._typing import Config, Shape

__all__ = ["shapes_of"]


def shapes_of(config: Config, kind: str = "layer") -> dict[str, Shape]:
    """
    Return the shapes that follow from a config.

    Parameters
    ----------
    config : dict
        Of a case or a trace.
    kind : str
        Of the case.

    Returns
    -------
    dict of str to tuple of int
        By the name of an input or an answer.
    """
    sizes, outputs = tuple(config["input_sizes"]), tuple(config["output_sizes"])
    found: dict[str, Shape]
    n, c, f = config["batch"], config["channels"], config["filters"]
    taps = math.prod(config["kernel_size"])
    last = config["data_format"] == "channels_last"
    x = (n, *sizes, c) if last else (n, c, *sizes)
    y = (n, *outputs, f) if last else (n, f, *outputs)
    if kind == "stack":
        second = shapes_of({**config["second"], "batch": n})
        first = shapes_of({k: v for k, v in config.items() if k != "second"})
        more = {"kernel2": second["kernel"], "bias2": second["bias"]}
        more |= {f"d{name}": shape for name, shape in more.items()}
        return first | more | {"y": second["y"], "dy": second["y"]}
    if kind == "pool":
        return {"x": x, "kernel": (0,), "dy": y, "y": y, "dx": x}
    if kind == "batch_norm":
        found = dict.fromkeys(("kernel", "bias", "dkernel", "dbias"), (c,))
        found |= dict.fromkeys(("x", "y", "dy", "dx"), x)
        return found if config["training"] else found | {"mixture": (2, c)}
    kernel: Shape = (math.prod(outputs), taps * c, f)
    bias: Shape = (*outputs, f)
    found = {}
    if kind == "shared":
        kernel = (math.prod(config["tile"]), taps * c, f)
        bias = (*config["tile"], f)
    elif kind == "transposed":
        kernel = (math.prod(sizes), taps * f, c)
    elif kind == "conv":
        kernel = (*config["kernel_size"], c // config["groups"], f)
    elif kind == "low_rank":
        kernel = (config["rank"], taps * c, f)
        found["mixture"] = found["dmixture"] = (math.prod(outputs), config["rank"])
    if config.get("bias_per") == "filter":
        bias = (f,)
    found |= {"x": x, "kernel": kernel, "bias": bias, "dy": y}
    return found | {"y": y, "dx": x, "dkernel": kernel, "dbias": bias}
