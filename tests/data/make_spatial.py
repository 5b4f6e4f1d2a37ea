"""
Make ``keras/spatial.npz`` and ``keras/files/spatial*`` with a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_spatial.py NEW_FOLDER

TensorFlow's CPU lacks some layers for channels_first and some in float64: the case then
says that it was computed with the channels moved last, or in float32. Means of windows
that are longer than the image are computed in float32 too: with oneDNN, TensorFlow has
their gradient; without it, and in float64, it divides by the wrong number.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras as keras
from tf_keras import layers as kl

NAN, INF = np.nan, np.inf
SAMPLES = {1: (7,), 2: (5, 6), 3: (3, 4, 2)}
WINDOWS = {
    1: [(2, None), (3, 2), (3, 1), (2, 3), (1, 3), (4, 3), (9, 4)],
    2: [(2, None), (3, 2), ((3, 2), (1, 2)), ((2, 1), 3), ((5, 6), 1), ((7, 3), 2)],
    3: [(2, None), ((2, 3, 1), (1, 2, 1)), (3, (2, 3, 1)), ((4, 2, 3), 2)],
}
# What stands in a sequence of 5 under windows of 3 cells, one apart.
SPECIAL = [
    [2, 2, 1, 2, 2],
    [0, 0, 0, 0, 0],
    [1, NAN, 2, 0, 3],
    [NAN, 1, 2, 0, 3],
    [1, 2, NAN, 0, 3],
    [NAN, NAN, NAN, NAN, NAN],
    [-INF, -INF, -INF, -INF, -INF],
    [-INF, NAN, -INF, NAN, 1],
    [NAN, -INF, -INF, 1, 2],
    [INF, -INF, INF, 0, INF],
]


def calls():
    """Yield class name, arguments, spatial sizes."""
    for rank, sizes in SAMPLES.items():
        for kind in ("Max", "Average"):
            for pool_size, strides in WINDOWS[rank]:
                for padding in ("valid", "same"):
                    window = (pool_size,) * rank
                    if not isinstance(pool_size, int):
                        window = pool_size
                    fits = all(r <= n for r, n in zip(window, sizes, strict=True))
                    if padding == "same" or fits:
                        options = {"strides": strides, "padding": padding}
                        yield f"{kind}Pooling{rank}D", (pool_size,), options, sizes
            for keepdims in (False, True):
                yield f"Global{kind}Pooling{rank}D", (), {"keepdims": keepdims}, sizes
        for margins in (0, 1, MARGINS[rank]):
            yield f"ZeroPadding{rank}D", (margins,), {}, sizes
            if rank < 3 or margins != 1:
                yield f"Cropping{rank}D", (margins,), {}, sizes
        for size in (
            1,
            3 if rank < 3 else 2,
            *([(2, 1, 3)[:rank]] if rank > 1 else []),
        ):
            yield f"UpSampling{rank}D", (size,), {}, sizes
    for size in (1, 2, 3, (1, 4), (5, 2)):
        yield "UpSampling2D", (size,), {"interpolation": "bilinear"}, SAMPLES[2]
    yield "UpSampling2D", (3,), {"interpolation": "bilinear"}, (1, 2)


MARGINS = {1: (2, 1), 2: ((0, 2), 1), 3: ((1, 0), (2, 0), (0, 1))}


def gradient(layer, x, dy):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    upstream = tf.constant(dy(y.shape), y.dtype)
    return y.numpy(), upstream.numpy(), tape.gradient(y, x, upstream).numpy()


def run(name, arguments, options, x, dy, data_format):
    """Return y, dy and dx, and how TensorFlow could be made to give them."""
    dtypes = ["float64", "float32"]
    if name.startswith("Average") and options["padding"] == "same":
        sizes = x.shape[1:-1] if data_format == "channels_last" else x.shape[2:]
        if (np.broadcast_to(arguments[0], len(sizes)) > sizes).any():
            dtypes.reverse()
    for dtype in dtypes:
        for moved in (False, True):
            if data_format == "channels_last" and moved:
                continue
            told = {} if moved or data_format is None else {"data_format": data_format}
            layer = getattr(kl, name)(*arguments, **options, **told, dtype=dtype)
            given = np.moveaxis(x, 1, -1) if moved else x
            try:
                y, upstream, dx = gradient(layer, given.astype(dtype), dy)
            except (
                tf.errors.InvalidArgumentError,
                tf.errors.UnimplementedError,
                tf.errors.NotFoundError,
            ):
                continue
            if moved and y.ndim > 2:
                y, upstream = np.moveaxis(y, -1, 1), np.moveaxis(upstream, -1, 1)
            dx = np.moveaxis(dx, -1, 1) if moved else dx
            # The resizing of TensorFlow gives float32 in any case.
            return y, upstream, dx, {"dtype": y.dtype.name, "moved": moved}
    raise RuntimeError(f"{name} {arguments} {options} {data_format} cannot be run")


def make_layers():
    rng = np.random.default_rng(606)

    def draw(shape):
        return rng.integers(-8, 9, tuple(shape))

    arrays, cases = {}, []
    for name, arguments, options, sizes in calls():
        bound_to_last = name.endswith("1D") and not name.endswith("Pooling1D")
        for data_format in (
            (None,) if bound_to_last else ("channels_last", "channels_first")
        ):
            last = data_format != "channels_first"
            # No ties.
            values = np.random.default_rng(sum(sizes)).permutation(
                4 * int(np.prod(sizes))
            )
            x = values.reshape(2, *sizes, 2) if last else values.reshape(2, 2, *sizes)
            y, dy, dx, how = run(name, arguments, options, x, draw, data_format)
            key = f"c{len(cases)}"
            for part, array in {"y": y, "dy": dy, "dx": dx}.items():
                kept = array.astype("int16")
                exact = np.array_equal(kept, array)
                arrays[f"{key}__{part}"] = kept if exact else array
            stored = f"x{len(sizes)}_{'last' if last else 'first'}_{sizes[0]}"
            arrays[stored] = x.astype("int16")
            told = {} if data_format is None else {"data_format": data_format}
            layer = getattr(kl, name)(*arguments, **options, **told, name="n")
            cases.append(
                {
                    "key": key,
                    "x": stored,
                    "class_name": name,
                    "args": arguments,
                    "kwargs": {**options, **told},
                    "config": layer.get_config(),
                    "output_shape": list(layer.compute_output_shape(x.shape)),
                    **how,
                }
            )
    arrays["cases"] = np.array(json.dumps(cases))
    return arrays


def make_special():
    """Ties, NaN and infinities under a maximum in each number of dimensions."""
    arrays = {}
    for rank in (1, 2, 3):
        window = (3, 1, 1)[:rank]
        layers = {
            "max": getattr(kl, f"MaxPooling{rank}D")(window, 1),
            "same": getattr(kl, f"MaxPooling{rank}D")(window, 1, padding="same"),
            "global": getattr(kl, f"GlobalMaxPooling{rank}D")(),
        }
        x = np.array(SPECIAL, "float32").reshape(len(SPECIAL), 5, *(1,) * rank)
        for name, layer in layers.items():
            y, _, dx = gradient(
                layer, x, lambda s: 1 + np.arange(np.prod(s)).reshape(s)
            )
            arrays[f"{name}{rank}__y"], arrays[f"{name}{rank}__dx"] = y, dx
    arrays["x"] = np.array(SPECIAL, "float32")
    square = np.zeros((1, 4, 4, 1), "float32")  # ties in two dimensions
    layer = kl.MaxPooling2D(3, 1)
    _, _, arrays["square__dx"] = gradient(
        layer, square, lambda s: 1 + np.arange(np.prod(s)).reshape(s)
    )
    return {f"special__{key}": value for key, value in arrays.items()}


def make_models(folder):
    """Whole models, in both formats."""

    def flat():
        return [
            kl.ZeroPadding1D((2, 1), input_shape=(9, 2)),
            kl.LocallyConnected1D(3, 3),
            kl.MaxPooling1D(3, 2, padding="same"),
            kl.UpSampling1D(2),
            kl.Cropping1D((1, 0)),
            kl.AveragePooling1D(2),
            kl.GlobalAveragePooling1D(),
            kl.Dense(2),
        ]

    def image():
        return [
            kl.ZeroPadding2D(((0, 1), 1), input_shape=(6, 7, 2)),
            kl.LocallyConnected2D(3, 2, activation="tanh"),
            kl.MaxPool2D(2, 1),
            kl.UpSampling2D((2, 1), interpolation="bilinear"),
            kl.Cropping2D(((1, 0), 0)),
            kl.AvgPool2D((2, 3), padding="same"),
            kl.GlobalMaxPool2D(keepdims=True),
            kl.Flatten(),
            kl.Dense(2),
        ]

    def volume():
        return [
            kl.ZeroPadding3D((1, 0, 2), input_shape=(4, 3, 3, 2)),
            kl.MaxPooling3D((2, 1, 2)),
            kl.UpSampling3D(2),
            kl.Cropping3D(((1, 0), 1, 0)),
            kl.AveragePooling3D(2, padding="same"),
            kl.GlobalAveragePooling3D(),
            kl.Dense(2),
        ]

    rng = np.random.default_rng(5)
    for number, make in enumerate((flat, image, volume), 1):
        keras.backend.clear_session()
        model = keras.Sequential(make())
        model.compile(keras.optimizers.SGD(0.125), "mse")
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        x = rng.normal(size=(4, *model.input_shape[1:])).astype("float32")
        t = rng.normal(size=(4, 2)).astype("float32")
        arrays = {"x": x, "t": t, "y": model.predict(x, verbose=0)}
        for suffix in (".h5", ".keras"):
            model.save(folder / f"spatial{number}d{suffix}")
        model.fit(x, t, batch_size=2, epochs=2, shuffle=False, verbose=0)
        arrays["y_later"] = model.predict(x, verbose=0)
        arrays["evaluated"] = np.array([model.evaluate(x, t, verbose=0)])
        arrays["metrics"] = np.array(model.metrics_names)
        np.savez(folder / f"spatial{number}d.npz", **arrays)


def main(folder):
    (folder / "files").mkdir(parents=True)
    np.savez_compressed(folder / "spatial.npz", **make_layers(), **make_special())
    make_models(folder / "files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
