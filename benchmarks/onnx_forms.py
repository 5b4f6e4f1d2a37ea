"""
The two layouts of an export to ONNX beside localnet's own `predict`, in turn.

It needs onnx and onnxruntime::

    python benchmarks/onnx_forms.py

Milliseconds, the fastest of some rounds in which all contenders take their turns; the
ratios are the time of onnxruntime beside that of localnet. ``tiles`` is a layer whose
stride is its window, which needs no gather.
"""

import argparse
import time

import numpy as np
import onnxruntime

from localnet import Sequential
from localnet.config import set_num_threads
from localnet.export import to_onnx
from localnet.layers import Dense, Flatten, LocallyConnected1D, LocallyConnected2D

MODELS = {
    "digits 8x8": [LocallyConnected2D(16, 3, activation="relu", input_shape=(8, 8, 1))],
    "28x28x1 k3 F8": [LocallyConnected2D(8, 3, input_shape=(28, 28, 1))],
    "32x32x16 k3 F32": [LocallyConnected2D(32, 3, input_shape=(32, 32, 16))],
    "24x24x16 k9 F16": [LocallyConnected2D(16, 9, input_shape=(24, 24, 16))],
    "200x32 k5 F32": [LocallyConnected1D(32, 5, input_shape=(200, 32))],
    "4000x4 k4 tiles F8": [LocallyConnected1D(8, 4, 4, input_shape=(4000, 4))],
    "DeepFace-like": [
        LocallyConnected2D(16, 9, activation="relu", input_shape=(32, 32, 16)),
        LocallyConnected2D(16, 7, strides=2, activation="relu"),
        LocallyConnected2D(16, 5, activation="relu"),
        Flatten(),
        Dense(128, activation="relu"),
    ],
}


def session(model, layout, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    made = to_onnx(model, layout=layout)
    return onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    set_num_threads(options.threads)
    print(f"{'model':20} {'N':>3} {'localnet':>9} {'batch':>15} {'single':>15}")
    for name, layers in MODELS.items():
        model = Sequential(layers, seed=0)
        sessions = [
            session(model, each, options.threads) for each in ("batch", "single")
        ]
        for count in (1, 32):
            rng = np.random.default_rng(0)
            x = rng.normal(size=(count, *model.input_shape[1:])).astype(np.float32)
            calls = [lambda x=x, m=model: m.predict_on_batch(x)]
            calls += [lambda x=x, s=s: s.run(None, {"x": x})[0] for s in sessions]
            want = calls[0]()
            scale = np.abs(want).max()
            for call in calls[1:]:
                assert np.abs(call() - want).max() < 1e-4 * scale
            best = [np.inf] * len(calls)
            for _ in range(options.rounds):
                for place, call in enumerate(calls):
                    start = time.perf_counter()
                    call()
                    best[place] = min(best[place], time.perf_counter() - start)
            ours, *theirs = (1e3 * seconds for seconds in best)
            said = " ".join(f"{ms:8.3f} {ms / ours:5.2f}x" for ms in theirs)
            print(f"{name:20} {count:3} {ours:9.3f} {said}", flush=True)


if __name__ == "__main__":
    main()
