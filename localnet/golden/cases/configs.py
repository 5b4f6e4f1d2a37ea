"""Whether the numbers of a config that was read describe a layer."""

import math

from ..._typing import Config
from ..references.connections import forward_layer

__all__ = ["check_config", "check_variant"]

# What the config of each kind holds beside that of a plain layer.
KEYS = {
    "shared": ("pad_value", "share", "tile"),
    "low_rank": ("pad_value", "rank"),
    "conv": ("pad_value", "groups"),
    "transposed": ("output_padding",),
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


def check_variant(config: Config, kind: str, where: str) -> None:
    """Refuse numbers that do not describe a layer of this kind."""
    for name in ("pad_value", "share", "tile", "rank", "groups", "output_padding"):
        if (name in config) != (name in KEYS[kind]):
            rule = "must" if name in KEYS[kind] else "must not"
            raise ValueError(f"{where} {rule} have {name}")
    if config["bias_per"] not in BIASES[kind]:
        raise ValueError(
            f"bias_per of {where} must be one of {BIASES[kind]}, "
            f"got {config['bias_per']!r}"
        )
    wires = config["batch"] * config["channels"] * config["filters"]
    wires *= math.prod(config["output_sizes"]) * math.prod(config["kernel_size"])
    wires *= config.get("rank", 1)
    if wires > MOST_WIRES:
        raise ValueError(f"{where} must have at most {MOST_WIRES} wires, got {wires}")
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
