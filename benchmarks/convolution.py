"""
Convolution in localnet against one product with all patches, and against PyTorch.

Run: python benchmarks/convolution.py [DIR] [--torch PYTHON] [--rounds 5] [--threads 1]

The table goes to DIR too, as ``convolution.json``. PYTHON is an interpreter that has
torch. The two processes take turns, and each call counts with its fastest turn. In the
first turn the results are compared.

The table has milliseconds of localnet, forward and for a whole step, and behind each
how many times as long the others take: above 1 localnet is faster. im2col copies all
patches and multiplies once.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from comparison.tables import rows_table

# N, S, C, R, F, stride; padding of (R - 1)/2 on both sides.
WORKLOADS = {
    "first layer": (32, 32, 3, 3, 16, 1),
    "small": (32, 28, 16, 3, 32, 1),
    "one image": (1, 56, 64, 3, 64, 1),
    "middle": (8, 56, 64, 3, 64, 1),
    "deep": (32, 14, 256, 3, 256, 1),
    "1x1": (32, 28, 64, 1, 128, 1),
    "strided": (16, 64, 32, 3, 32, 2),
}
CALLS = 3


def draw(name):
    """Return x, kernel and dy of a workload, channels last."""
    n, s, c, r, f, stride = WORKLOADS[name]
    rng = np.random.default_rng(0)
    out = (s + 2 * (r // 2) - r) // stride + 1
    shapes = (n, s, s, c), (r, r, c, f), (n, out, out, f)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def localnet_calls(name, data_format):
    """Return {what: call}; each call returns its results, channels last."""
    from localnet.ops import Geometry, Workspace, conv_backward, conv_forward
    from localnet.ops.patches import window_view

    *_, r, _, stride = WORKLOADS[name]
    x, kernel, dy = draw(name)
    pads = ((r // 2, r // 2),) * 2
    last = data_format == "channels_last"
    ours = [a if last else np.ascontiguousarray(np.moveaxis(a, -1, 1)) for a in (x, dy)]
    workspace = Workspace()
    options = {"strides": stride, "padding": pads, "data_format": data_format}

    def forward():
        y, _ = conv_forward(ours[0], kernel, **options, workspace=workspace)
        return [y if last else np.moveaxis(y, 1, -1)]

    def step():
        _, cache = conv_forward(ours[0], kernel, **options, workspace=workspace)
        dx, dkernel, _ = conv_backward(ours[1], cache, workspace=workspace)
        return [dx if last else np.moveaxis(dx, 1, -1), dkernel]

    geometry = Geometry.of(
        x.shape[1:], kernel_size=r, strides=stride, padding=pads, placement="conv"
    )
    rows = (len(x) * geometry.locations, geometry.patch_size)
    matrix = kernel.reshape(geometry.patch_size, -1)

    def im2col():
        padded = np.pad(x, ((0, 0), *pads, (0, 0)))
        return [
            (window_view(padded, geometry).reshape(rows) @ matrix).reshape(dy.shape)
        ]

    return {"forward": forward, "step": step, "im2col": im2col}


def torch_calls(name, data_format):
    """As `localnet_calls`."""
    import torch

    *_, r, _, stride = WORKLOADS[name]
    layout = torch.channels_last if data_format == "channels_last" else None
    x, kernel, dy = (torch.from_numpy(a) for a in draw(name))
    x, dy = (a.permute(0, 3, 1, 2) for a in (x, dy))
    kernel = kernel.permute(3, 2, 0, 1)
    x, kernel, dy = (
        a.contiguous(memory_format=layout or torch.contiguous_format)
        for a in (x, kernel, dy)
    )

    def convolve(x, kernel):
        return torch.nn.functional.conv2d(x, kernel, stride=stride, padding=r // 2)

    def forward():
        with torch.no_grad():
            return [convolve(x, kernel).permute(0, 2, 3, 1).numpy()]

    def step():
        leaves = x.requires_grad_(), kernel.requires_grad_()
        dx, dkernel = torch.autograd.grad(convolve(*leaves), leaves, dy)
        x.requires_grad_(False)
        kernel.requires_grad_(False)
        return [dx.permute(0, 2, 3, 1).numpy(), dkernel.permute(2, 3, 1, 0).numpy()]

    return {"forward": forward, "step": step}


def serve(kind, threads):
    """Answer requests on stdin, one JSON line each: [workload, data_format, folder]."""
    if kind == "torch":
        import torch

        torch.set_num_threads(threads)
    calls_of = {"localnet": localnet_calls, "torch": torch_calls}[kind]
    for line in sys.stdin:
        name, data_format, folder = json.loads(line)
        seconds = {}
        for what, call in calls_of(name, data_format).items():
            results = call()
            if folder is not None:
                for number, result in enumerate(results):
                    np.save(Path(folder) / f"{kind}-{what}-{number}.npy", result)
            turns = []
            for _ in range(CALLS):
                begun = time.perf_counter()
                call()
                turns.append(time.perf_counter() - begun)
            seconds[what] = min(turns)
        sys.stdout.write(json.dumps(seconds) + "\n")
        sys.stdout.flush()


class Worker:
    """A process that measures when it is asked."""

    def __init__(self, kind, python, threads):
        command = [python, __file__, "--serve", kind, "--threads", str(threads)]
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LOCALNET_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, str(threads))}
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name, data_format, folder=None):
        self.process.stdin.write(json.dumps([name, data_format, folder]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def agree(folder):
    """Hold every result to that of localnet, float32 sums of thousands of terms."""
    for path in sorted(Path(folder).glob("*.npy")):
        kind, what, number = path.stem.split("-")
        if kind == "localnet" and what != "im2col":
            continue
        other = "forward" if what == "im2col" else what
        ours = np.load(Path(folder) / f"localnet-{other}-{number}.npy")
        theirs = np.load(path)
        scale = np.abs(ours).max()
        if ours.shape != theirs.shape or np.abs(ours - theirs).max() > 1e-4 * scale:
            raise AssertionError(f"{path.stem} differs from localnet")


def main():
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    parser.add_argument("--torch", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.threads)
        return
    workers = {"localnet": Worker("localnet", sys.executable, options.threads)}
    if options.torch:
        workers["torch"] = Worker("torch", options.torch, options.threads)
    rows = []
    for name in WORKLOADS:
        for data_format in ("channels_last", "channels_first"):
            best = {}
            for turn in range(options.rounds):
                with tempfile.TemporaryDirectory() as folder:
                    for kind, worker in workers.items():
                        keep = folder if turn == 0 else None
                        for what, seconds in worker(name, data_format, keep).items():
                            key = kind, what
                            best[key] = min(best.get(key, seconds), seconds)
                    agree(folder)
            ours = best["localnet", "forward"], best["localnet", "step"]
            rows.append(
                {
                    "workload": name,
                    "data format": data_format,
                    "forward": f"{ours[0] * 1e3:.2f}",
                    "im2col": ratio(best["localnet", "im2col"], ours[0]),
                    "PyTorch": ratio(best.get(("torch", "forward")), ours[0]),
                    "step": f"{ours[1] * 1e3:.2f}",
                    "PyTorch ": ratio(best.get(("torch", "step")), ours[1]),
                }
            )
    for worker in workers.values():
        worker.close()
    sys.stdout.write(rows_table(rows))
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        path = options.folder / "convolution.json"
        path.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


def ratio(theirs, ours):
    """Return how many times as long another takes, in words."""
    return "-" if theirs is None else f"{theirs / ours:.2f}"


if __name__ == "__main__":
    main()
