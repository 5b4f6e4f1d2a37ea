"""
The two models of the Keras page, from a cold start, in localnet and in tf_keras.

Run: python benchmarks/whole_models.py DIR [--environments ENVIRONMENTS]

Every number is from fresh processes that take turns. "first batch" runs from the start
of the process, imports included, to the end of the first trained batch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from peers.environments import interpreter

ROUNDS = 3
CHECKOUT = Path(__file__).resolve().parents[1]

# Run in a fresh process with the start of that process (time.time) as an argument.
SCRIPT = """
import os, sys, time
library, rank, started = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if library == "tf_keras":
    import tf_keras as keras
    from tf_keras.layers import LocallyConnected1D, LocallyConnected2D
else:
    import localnet as keras
    from localnet.layers import LocallyConnected1D, LocallyConnected2D
import json, resource
import numpy as np

imported = time.time()
cls = (LocallyConnected1D, LocallyConnected2D)[rank - 1]
shape = (10, 32) if rank == 1 else (32, 32, 3)
samples, batch = (2048, 32) if rank == 1 else (128, 32)
model = keras.Sequential()
model.add(cls(64, 3, input_shape=shape))
model.add(cls(32, 3))
created = time.time()
model.compile("sgd", loss="mse")
rng = np.random.default_rng(0)
x = rng.standard_normal((samples, *shape), dtype=np.float32)
y = rng.standard_normal((samples, *model.output_shape[1:]), dtype=np.float32)
drawn = time.time()
model.fit(x[:batch], y[:batch], batch_size=batch, epochs=1, verbose=0)
first = time.time()
model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
epochs = []
for _ in range(3):
    begun = time.time()
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    epochs.append(time.time() - begun)
print(json.dumps({
    "create": created - imported,
    "first batch": (first - drawn) + (created - started),
    "epoch": sorted(epochs)[1],
    "resident MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def run(python: Path, library: str, rank: int) -> dict[str, float]:
    """Run one fresh process and return what it measured."""
    launch = (
        "import sys, time, runpy; "
        "sys.argv = ['model', *sys.argv[2:], str(started)]; exec(sys.stdin.read())"
    )
    command = [
        str(python),
        "-c",
        f"import time; started = time.time(); {launch}",
        "",
        library,
        str(rank),
    ]
    done = subprocess.run(
        command,
        input=SCRIPT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    if done.returncode:
        sys.exit(f"{library}, {rank}D: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure both models; write DIR/whole_models.json and print it."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--environments", type=Path, metavar="DIR")
    options = parser.parse_args()
    pythons = {"localnet": Path(sys.executable)}
    if options.environments:
        pythons["tf_keras"] = interpreter(options.environments, "tf")
        if not pythons["tf_keras"].exists():
            parser.error(f"--environments must hold tf, got {options.environments}")
    rows = []
    for rank in (1, 2):
        found: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
        for _ in range(ROUNDS):
            for library, python in pythons.items():
                found[library].append(run(python, library, rank))
        for what in found["localnet"][0]:
            median = {
                library: statistics.median(one[what] for one in runs)
                for library, runs in found.items()
            }
            row = {"what": f"{rank}D, {what}"}
            row |= {name: f"{value:.4g}" for name, value in median.items()}
            if "tf_keras" in median:
                ratio = median["tf_keras"] / median["localnet"]
                row["tf_keras / localnet"] = f"{ratio:.3g}"
            rows.append(row)
            print(row, flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "whole_models.json"
    path.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
