"""What the programs in ``peers`` that try an export have in common."""

import argparse
import time
import traceback

import exporting

__all__ = ["main"]


def main(check_model, check_numbers, check_gradients=None, check_more=None):
    """
    Try every layer, drawn models, old files and recorded layers; return the status.

    `check_model` takes a model and its name, `check_numbers` a model, inputs, outputs
    and how many digits these have, `check_gradients` a model of one layer and what
    tf_keras recorded; all raise AssertionError. `check_more` is called once.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    faults, start = 0, time.monotonic()

    def attempt(name, function, *arguments):
        nonlocal faults
        try:
            function(*arguments)
        except Exception:
            faults += 1
            print(f"FAIL {name}")
            traceback.print_exc()

    count = 0
    for name, model in exporting.each_layer():
        attempt(name, check_model, model, name)
        count += 1
    print(f"{count} models of every layer: {faults} faults", flush=True)
    for seed in range(options.first, options.first + options.models):
        attempt(f"drawn({seed})", check_model, exporting.drawn(seed), f"drawn {seed}")
    print(f"{options.models} drawn models: {faults} faults", flush=True)
    count = 0
    for name, model, xs, ys in exporting.old_files():
        attempt(name, check_numbers, model, xs, ys, 4.5)
        count += 1
    print(f"{count} files of Keras 2: {faults} faults", flush=True)
    count = 0
    for name, model, data in exporting.recorded_layers():
        digits = 7.0 if data["config"]["dtype"] == "float64" else 4.5
        attempt(name, check_numbers, model, [data["x"]], [data["y"]], digits)
        if check_gradients is not None:
            attempt(name, check_gradients, model, data, digits - 0.5)
        count += 1
    print(f"{count} layers that tf_keras recorded: {faults} faults", flush=True)
    if check_more is not None:
        attempt("more", check_more)
    print(f"{faults} faults, {time.monotonic() - start:.0f} s")
    return int(faults > 0)
