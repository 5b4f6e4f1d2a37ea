"""What follows from a config: whether it describes a layer, and all shapes."""

import math

from ..._typing import Config, Shape
from ..._validate import shown
from ..references.connections import forward_layer

__all__ = ["check_config", "check_other", "check_size", "check_variant", "shapes_of"]

# What the config of each kind holds beside that of a plain layer.
KEYS = {
    "shared": ("pad_value", "share", "tile"),
    "low_rank": ("pad_value", "rank"),
    "conv": ("pad_value", "groups"),
    "transposed": ("output_padding",),
}
OTHER_KEYS = {
    "pool": ("pool",),
    "batch_norm": ("training", "epsilon"),
    "stack": ("second",),
    "int8": (
        "input_zero_point",
        "kernel_zero_point",
        "multiplier",
        "shift",
        "output_zero_point",
    ),
    "fixed_point": (
        "width",
        "fraction",
        "fraction_of_products",
        "rounding",
        "overflow",
    ),
}
# Shared weights are fewer than the wires, for each of which memory is taken.
MOST_WIRES = 2**24
BIASES = {
    "shared": ("block",),
    "low_rank": ("filter", "location"),
    "conv": ("filter", "location"),
    "transposed": ("location",),
}


def check_config(config: Config, where: str) -> None:
    """Refuse numbers that do not describe a layer."""
    rank = len(config["input_sizes"])
    per_axis = ("output_sizes", "kernel_size", "strides", "pads", "dilation_rate")
    for name in per_axis:
        if len(config[name]) != rank:
            raise ValueError(f"{name} of {where} must have {rank} items")
    axes = zip(*(config[name] for name in ("input_sizes", *per_axis)), strict=True)
    for n, o, r, s, (before, after), d in axes:
        if (o - 1) * s + (r - 1) * d + 1 > n + before + after:
            raise ValueError(f"the windows of {where} must lie in the padded input")


def check_size(config: Config, where: str) -> None:
    """Refuse more wires, or cells of the input, than there is time and memory for."""
    cells = config["batch"] * config["channels"] * math.prod(config["input_sizes"])
    wires = config["batch"] * config["channels"] * config["filters"]
    wires *= math.prod(config["output_sizes"]) * math.prod(config["kernel_size"])
    wires *= config.get("rank", 1)
    if max(cells, wires) > MOST_WIRES:
        raise ValueError(
            f"{where} must have at most {MOST_WIRES} cells and wires, got {cells} and "
            f"{wires}"
        )


def check_other(config: Config, kind: str, where: str) -> None:
    """Refuse numbers that do not describe a layer of this other kind."""
    own = {name for names in OTHER_KEYS.values() for name in names}
    needed, allowed = set(OTHER_KEYS[kind]), set(OTHER_KEYS[kind])
    if kind == "int8":
        needed -= {"multiplier", "shift", "output_zero_point"}
        if "multiplier" in config:
            needed = allowed
    for name in sorted(own):
        if (name in config and name not in allowed) or (
            name not in config and name in needed
        ):
            rule = "must not" if name in config else "must"
            raise ValueError(f"{where} {rule} have {name}")
    plain = {key: value for key, value in config.items() if key not in own}
    if kind == "batch_norm":
        plain["kernel_size"] = [1] * len(config["input_sizes"])
    layers = [plain]
    if kind == "stack":
        layers.append({**config["second"], "batch": config["batch"]})
        one, other = layers
        if (one["output_sizes"], one["filters"], one["data_format"]) != (
            other["input_sizes"],
            other["channels"],
            other["data_format"],
        ):
            raise ValueError(f"second of {where} must take what the first gives")
    for layer in layers:
        check_config(layer, where)
        check_size(layer, where)
    if kind in ("pool", "batch_norm"):
        if config["channels"] != config["filters"] or max(config["dilation_rate"]) > 1:
            raise ValueError(f"{where} must keep its channels, and have no dilation")
        # Less than the window, so that none lies on pads alone.
        ends = config["kernel_size"] if kind == "pool" else [1] * len(config["pads"])
        if any(max(p) >= r for p, r in zip(config["pads"], ends, strict=True)):
            raise ValueError(f"pads of {where} must be less than the windows")
        if kind == "batch_norm" and config["input_sizes"] != config["output_sizes"]:
            raise ValueError(f"{where} must keep its sizes")
    if len(config.get("multiplier", [1])) not in (1, config["filters"]):
        raise ValueError(f"multiplier of {where} must have 1 item, or one a filter")
    if config.get("fraction", 0) > config.get("fraction_of_products", 0):
        raise ValueError(f"fraction of {where} must be that of the products, or less")


def check_variant(config: Config, kind: str, where: str) -> None:
    """Refuse numbers that do not describe a layer of this kind."""
    for name in ("pad_value", "share", "tile", "rank", "groups", "output_padding"):
        if (name in config) != (name in KEYS[kind]):
            rule = "must" if name in KEYS[kind] else "must not"
            raise ValueError(f"{where} {rule} have {name}")
    if config["bias_per"] not in BIASES[kind]:
        raise ValueError(
            f"bias_per of {where} must be one of {BIASES[kind]}, "
            f"got {shown(config['bias_per'])}"
        )
    check_size(config, where)
    check_config(forward_layer(config) if kind == "transposed" else config, where)
    outputs = config["output_sizes"]
    for name in ("share", "tile", "output_padding"):
        if name in config and len(config[name]) != len(outputs):
            raise ValueError(f"{name} of {where} must have {len(outputs)} items")
    if kind == "shared":
        for o, share, tile in zip(
            outputs, config["share"], config["tile"], strict=True
        ):
            if tile > -(-o // share):
                raise ValueError(
                    f"tile of {where} must be at most the number of blocks"
                )
    if kind == "conv":
        c, f, groups = (config[name] for name in ("channels", "filters", "groups"))
        if c % groups or f % groups:
            raise ValueError(f"groups of {where} must divide channels and filters")
    if kind == "transposed":
        for axis, extra in enumerate(config["output_padding"]):
            size = _transposed_size(config, axis) + extra
            if size != outputs[axis] or extra >= config["strides"][axis]:
                raise ValueError(
                    f"output_padding of {where} must be less than the stride and give "
                    f"output_sizes"
                )


def _transposed_size(config: Config, axis: int) -> int:
    """Return the cells that a transposed layer makes of an axis, without extra ones."""
    names = ("input_sizes", "strides", "kernel_size", "dilation_rate")
    n, s, r, d = (int(config[name][axis]) for name in names)
    before, after = map(int, config["pads"][axis])
    return (n - 1) * s + (r - 1) * d + 1 - before - after


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
