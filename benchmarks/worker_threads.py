"""
Ten seeds of the digits network in one and two workers, with the rule on threads or not.

Run: python benchmarks/worker_threads.py [--epochs N] [--rounds N]

Workers are processes with OMP_NUM_THREADS=1, as joblib and Dask start them.
With the rule localnet takes one thread in them; without it, as many as there are CPUs
(LOCALNET_NUM_THREADS). The settings are measured in turn, and the fastest round counts.
Cores is the CPU time of the workers over the time on the clock.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

SEEDS = 10
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def train(epochs, seed):
    """Train one network; return the sum of its weights, to compare."""
    from localnet import Sequential
    from localnet.datasets import load_digits
    from localnet.layers import Dense, Dropout, Flatten, LocallyConnected2D
    from localnet.optimizers import SGD

    local = {"activation": "relu", "kernel_initializer": "he_uniform", "fans": "local"}
    layers = [
        LocallyConnected2D(16, 3, padding="same", input_shape=(8, 8, 1), **local),
        LocallyConnected2D(16, 3, **local),
        Flatten(),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    ]
    model = Sequential(layers, seed=seed)
    model.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    (x, y), _ = load_digits()
    model.fit(x[..., None] / 16, y, epochs=epochs, verbose=0)
    return float(sum(weight.sum(dtype="f8") for weight in model.get_weights()))


def measure(workers, rule, epochs):
    """Return seconds on the clock, cores in use, and the sums."""
    os.environ |= dict.fromkeys(VARIABLES, "1")
    os.environ["LOCALNET_NUM_THREADS"] = "" if rule else str(os.cpu_count())
    context = multiprocessing.get_context("spawn")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with ProcessPoolExecutor(workers, context) as pool:
        sums = list(pool.map(partial(train, epochs), range(SEEDS)))
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy / seconds, sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = [(workers, rule) for workers in (1, 2) for rule in (True, False)]
    found = {setting: [] for setting in settings}
    for _ in range(options.rounds):
        for setting in settings:
            found[setting].append(measure(*setting, options.epochs))
    sums = [measured[2] for rounds in found.values() for measured in rounds]
    if any(each != sums[0] for each in sums):
        sys.exit("the weights differ")
    print(
        f"{SEEDS} seeds, {options.epochs} epochs, {os.cpu_count()} CPUs; same weights"
    )
    print("workers  threads in each  seconds  cores")
    for (workers, rule), rounds in found.items():
        seconds, cores, _ = min(rounds)
        threads = 1 if rule else os.cpu_count()
        print(f"{workers:7}  {threads:15}  {seconds:7.1f}  {cores:5.2f}")


if __name__ == "__main__":
    main()
