"""
Read mutated files of every format, and see that nothing happens but what is promised.

Run: ``python tests/fuzz/fuzz_files.py --files 20000``. It ends with status 1 if a file
gave an undocumented error, took more memory than its config implies plus a constant, or
hung. HDF5 is read by one isolated process that lives on from file to file, and is
started again where the library crashes or hangs on it, as `isolated=True` foresees.
"""

import argparse
import collections
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from mutations import mutated

import localnet
from localnet import layers
from localnet.files import formats, reading
from localnet.files.safe import isolated
from localnet.files.weight_shapes import file_bytes
from localnet.models.saving import load_contents

# What reading one small file may add to the memory of the process.
ALLOWED = 192 * 2**20
CHILD_MEMORY = 2**31
SECONDS = 30.0
CORPUS = Path(__file__).parent.parent / "data" / "keras" / "models"


def model_for(seed):
    """Return a small model of many layers, trained for a moment."""
    import numpy as np

    model = localnet.Sequential(
        [
            layers.LocallyConnected2D(
                2, 2, padding="same", input_shape=(3, 3, 1), name="b/x"
            ),
            layers.LocallyConnected2D(
                2, 2, implementation=2 + seed % 2, activation=layers.LeakyReLU(0.1)
            ),
            layers.Reshape((4, 2)),
            layers.LocallyConnected1D(1, 2, kernel_regularizer="l2"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(2, "softmax", bias_constraint="max_norm"),
        ],
        seed=seed,
    )
    kind = localnet.optimizers.SGD if seed % 2 else localnet.optimizers.LegacySGD
    model.compile(
        kind(0.1, momentum=0.5), "categorical_crossentropy", ["accuracy", "mae"]
    )
    model.fit(np.ones((2, 3, 3, 1)), np.eye(2), epochs=1, verbose=0)
    return model


def corpus(folder):
    """Write the whole files that are mutated; return their bytes by suffix."""
    found = collections.defaultdict(list)
    for seed in (0, 1):
        model = model_for(seed)
        paths = [model.save(folder / f"m{seed}{s}") for s in (".npz", ".h5", ".keras")]
        paths += [
            model.save_weights(folder / f"w{seed}{s}")
            for s in (".npz", ".h5", ".weights.h5")
        ]
        for path in paths:
            found[path.suffix].append(path.read_bytes())
    for path in sorted(CORPUS.glob("*")):
        if path.suffix in (".h5", ".keras"):
            found[path.suffix].append(path.read_bytes())
    return found


class Trial:
    """Reads files, and keeps what must not have happened."""

    def __init__(self):
        self.model = model_for(0)
        self.outcomes = collections.Counter()
        self.faults = []
        self.reader = None

    def contents(self, path, magic):
        if magic[:2] != b"PK" and magic[:4] != b"\x89HDF":
            return formats.opened(path, file_bytes)
        if magic[:2] == b"PK" and path.suffix == ".npz":
            return formats.opened(path, file_bytes)
        if self.reader is None:
            self.reader = isolated.Reader(CHILD_MEMORY)
        return self.reader.read(path, SECONDS)

    def read(self, path, data):
        with self.contents(path, data[:8]) as contents:
            if contents.config is None:
                load_contents(self.model, path, contents, False, False)
            else:
                make = localnet.Sequential.from_config
                reading.model_of(make, path, contents, {}, compile=None)

    def run(self, path, data, label):
        path.write_bytes(data)
        before = peak()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.filterwarnings("ignore", "the (model is not|optimizer starts)")
                self.read(path, data)
            outcome = "read"
        except Exception as error:
            outcome = self.judged(error, path)
            if outcome.startswith("FAULT"):
                where = "".join(traceback.format_exception(error)[-3:])
                self.faults.append((label, f"{outcome}\n{where}", data))
        if peak() - before > ALLOWED:
            self.faults.append((label, f"FAULT: {peak() - before} bytes taken", data))
        self.outcomes[outcome] += 1

    def judged(self, error, path):
        if "process that read it" in str(error):
            self.reader.close()
            self.reader = None
            return "HDF5 died" if "died" in str(error) else "HDF5 hung"
        if isinstance(error, OSError) and error.filename:
            return "OSError"
        if type(error) is not ValueError or len(error.args) != 1:
            return f"FAULT: {type(error).__name__}: {error}"
        if "more memory than there is" in str(error) or "into memory" in str(error):
            return f"FAULT: {error}"
        if not str(error).startswith(f"{path} must "):
            return f"FAULT: {error}"
        return "ValueError"


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for files with faults")
    options = parser.parse_args()
    started, trial = time.monotonic(), Trial()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = corpus(folder)
        for suffix, all_data in whole.items():
            for data in all_data:  # before memory is measured, all must have been used
                trial.run(folder / f"whole{suffix}", data, "whole")
        isolated.limit_memory(2**32)
        rng = random.Random(options.seed)
        suffixes = list(whole)
        for place in range(options.files):
            suffix = suffixes[place % len(suffixes)]
            others = whole[suffix]
            data, mutation = mutated(rng.choice(others), suffix, others, rng)
            trial.run(folder / f"f{suffix}", data, f"file {place} {mutation}")
            if place % 1000 == 999:
                print(f"{place + 1} files, {len(trial.faults)} faults", flush=True)
    if trial.reader is not None:
        trial.reader.close()
    for place, (label, text, data) in enumerate(trial.faults):
        print(f"{label}: {text}")
        if options.keep:
            options.keep.mkdir(exist_ok=True)
            (options.keep / f"fault{place}").write_bytes(data)
    seconds = time.monotonic() - started
    counts = ", ".join(f"{n} {what}" for what, n in trial.outcomes.most_common())
    print(f"{options.files} files in {seconds:.0f} s: {counts}")
    return 1 if trial.faults else 0


if __name__ == "__main__":
    sys.exit(main())
