"""What the tests of all exports share: models, old files, recorded numbers, a judge."""

import warnings

import numpy as np
import reference
from scipy.special import expit, ndtr

import localnet
from localnet import layers as L
from localnet.interop import convert_kernel
from localnet.models import Model, Sequential

# Files of layers that localnet does not have, of weights alone, and of open sizes.
NO_MODEL = ("lacking", "weights_only", "sizeless")
FORMATS = ("channels_last", "channels_first")
RANDOM = {"bias_initializer": "normal", "kernel_initializer": "he_normal"}
ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "softplus", "softsign", "tanh"),
    *("sigmoid", "exponential", "hard_sigmoid", "swish", "gelu", "mish", "softmax"),
    *("log_softmax", "linear"),
)


def chain(*layers, seed=0):
    return Sequential(list(layers), seed=seed)


def local_models(data_format):
    """Yield one model for each kind of layer with weights for every location."""
    last = data_format == "channels_last"

    def shape(*sizes, channels=2):
        return {
            "input_shape": (*sizes, channels) if last else (channels, *sizes),
            "data_format": data_format,
            "bias_initializer": "normal",
        }

    mixed = {"combining_weights_initializer": "normal"}
    yield "1d", L.LocallyConnected1D(3, 3, 2, activation="tanh", **shape(11))
    yield (
        "2d same",
        L.LocallyConnected2D(3, 3, 2, "same", activation="gelu", **shape(7, 6)),
    )
    yield "tiles", L.LocallyConnected2D(3, (3, 2), (3, 2), **shape(6, 4))
    yield "stride over the end", L.LocallyConnected2D(2, 2, 3, **shape(6, 7))
    yield "one tap", L.LocallyConnected1D(2, 1, use_bias=False, **shape(4))
    yield "pairs", L.LocallyConnected1D(2, 3, padding=((2, 0),), **shape(5))
    yield "3d dilated", L.LocallyConnected3D(2, 2, dilation_rate=2, **shape(5, 4, 4))
    yield (
        "shared",
        L.LocallyConnected2D(3, 3, 1, "same", share=2, tile=2, **shape(7, 6)),
    )
    yield "tiled", L.LocallyConnected1D(3, 2, tile=3, **shape(8))
    yield (
        "low rank",
        L.LowRankLocallyConnected2D(
            3, 3, 1, "same", spatial_rank=2, **mixed, **shape(5, 6)
        ),
    )
    yield (
        "low rank, whole",
        L.LowRankLocallyConnected2D(
            3, 2, spatial_rank=2, separable=False, **mixed, **shape(4, 3)
        ),
    )
    yield (
        "low rank, 1d",
        L.LowRankLocallyConnected1D(
            3, 3, 2, spatial_rank=3, normalize_weights=None, **mixed, **shape(7)
        ),
    )
    yield (
        "low rank, 3d",
        L.LowRankLocallyConnected3D(
            2, 2, spatial_rank=2, use_spatial_bias=False, **mixed, **shape(3, 3, 4)
        ),
    )
    yield "transposed", L.LocallyConnected1DTranspose(3, 3, 2, **shape(4))
    yield (
        "transposed same",
        L.LocallyConnected2DTranspose(3, 3, 2, "same", **shape(3, 4)),
    )
    yield "transposed 3d", L.LocallyConnected3DTranspose(2, 2, **shape(2, 3, 2))


def spatial_models(data_format):
    """Yield chains of the layers that move, pool and convolve."""
    last = data_format == "channels_last"
    form = {"data_format": data_format}

    def shape(*sizes, channels=2):
        return {"input_shape": (*sizes, channels) if last else (channels, *sizes)}

    yield (
        "conv",
        L.Conv2D(4, 3, 2, "same", groups=2, **RANDOM, **form, **shape(7, 6)),
        L.MaxPooling2D(2, 1, **form),
    )
    yield (
        "conv, untied",
        L.Conv2D(3, (2, 3), untied_bias=True, **RANDOM, **form, **shape(5, 6)),
    )
    yield (
        "1d",
        L.Conv1D(3, 3, padding="causal", dilation_rate=2, **RANDOM, **shape(9))
        if last
        else L.Conv1D(3, 3, padding="same", **RANDOM, **form, **shape(9)),
        L.AveragePooling1D(3, 2, "same", **form),
        L.MaxPooling1D(2, **form),
        L.GlobalAveragePooling1D(**form),
    )
    yield (
        "3d",
        L.Conv3D(2, 2, **RANDOM, **form, **shape(4, 5, 4)),
        L.ZeroPadding3D(1, **form),
        L.AveragePooling3D(2, 1, "same", **form),
        L.UpSampling3D((1, 2, 1), **form),
        L.Padding3D(1, 1.5, **form),
        L.Cropping3D(((1, 0), (0, 1), (1, 1)), **form),
        L.MaxPooling3D(2, 2, "same", **form),
        L.SpatialDropout3D(0.3, **form),
        L.GlobalMaxPooling3D(**form),
    )
    yield (
        "2d",
        L.MaxPooling2D(3, 2, "same", **form, **shape(7, 8)),
        L.AveragePooling2D(2, 1, "same", **form),
        L.UpSampling2D((2, 3), interpolation="bilinear", **form),
        L.ZeroPadding2D(((1, 0), (2, 1)), **form),
        L.Padding2D(1, 2.5, **form),
        L.Cropping2D(((1, 0), (0, 2)), **form),
        L.UpSampling2D(2, **form),
        L.SpatialDropout2D(0.2, **form),
        L.AveragePooling2D(2, **form),
        L.Flatten(**form),
    )
    yield "global", L.GlobalAveragePooling2D(keepdims=True, **form, **shape(3, 4))
    yield "global 3d", L.GlobalAveragePooling3D(**form, **shape(2, 3, 4))
    yield "largest", L.GlobalMaxPooling2D(**form, **shape(3, 4))
    yield "largest 1d", L.GlobalMaxPooling1D(**form, **shape(5))
    learned = {
        f"{name}_initializer": "normal" for name in ("moving_mean", "gamma", "beta")
    }
    yield (
        "normalised",
        L.BatchNormalization(axis=-1 if last else 1, **learned, **shape(3, 4)),
        L.PReLU("normal", shared_axes=[1]),
    )


def plain_models():
    """Yield chains of what knows no space."""
    yield (
        "shapes",
        L.Dense(6, "hard_sigmoid", **RANDOM, input_shape=(5,)),
        L.RepeatVector(3),
        L.Permute((2, 1)),
        L.Reshape((2, -1)),
        L.ZeroPadding1D((1, 2)),
        L.Padding1D(1, 0.5),
        L.Cropping1D((1, 0)),
        L.UpSampling1D(2),
        L.Flatten(),
    )
    yield (
        "activations",
        L.LeakyReLU(0.2, input_shape=(4, 9)),
        L.ELU(0.7),
        L.ReLU(1.5, 0.1, 0.2),
        L.ThresholdedReLU(0.1),
        L.PReLU("normal"),
        L.Softmax(axis=1),
        L.Softmax(axis=[1, 2]),
        L.Activation("swish"),
    )
    yield (
        "noise",
        L.Dropout(0.5, input_shape=(4, 3)),
        L.Dropout(0.5, (None, 1, None)),
        L.GaussianNoise(0.1),
        L.GaussianDropout(0.1),
        L.SpatialDropout1D(0.3),
    )
    yield (
        "steps",
        L.TimeDistributed(L.Dense(3, L.LeakyReLU(0.2), **RANDOM), input_shape=(4, 5)),
        L.Dense(2),
    )
    yield (
        "steps of sequences",
        L.TimeDistributed(
            L.LocallyConnected1D(2, 2, bias_initializer="normal"),
            input_shape=(3, 5, 2),
        ),
        L.TimeDistributed(L.BatchNormalization(moving_mean_initializer="normal")),
    )
    within = L.Conv1D(2, 2, input_shape=(5, 2)), L.Flatten(), L.Dense(3, "softmax")
    yield (
        "steps of a model",
        L.TimeDistributed(Sequential(list(within)), input_shape=(3, 5, 2)),
        L.Flatten(),
        L.Dense(2),
    )
    yield (
        "normalised, several axes",
        L.BatchNormalization(
            axis=[1, 2], gamma_initializer="normal", input_shape=(3, 4)
        ),
    )
    yield "normalised, unscaled", L.BatchNormalization(scale=False, input_shape=(3,))
    for name in ACTIVATIONS:
        yield name, L.Dense(4, name, **RANDOM, input_shape=(3,))


def graphs():
    """Yield models with several inputs and outputs, shared layers, models within."""
    a, b = L.Input((4, 3)), L.Input((3,))
    shared = L.Dense(3, "tanh", **RANDOM)
    u, v = shared(a), shared(b)
    yield (
        "merges",
        Model(
            [a, b],
            [
                L.Concatenate(axis=1)([L.Add()([u, v]), L.Maximum()([u, a])]),
                L.Average()([v, b]),
                L.Subtract()([v, b]),
                L.Minimum()([v, b]),
                L.Multiply()([u, b]),
            ],
        ),
    )
    inner = chain(
        L.LocallyConnected1D(2, 3, padding="same", input_shape=(6, 2)),
        L.Activation("relu"),
    )
    x = L.Input((6, 2))
    yield "nested", Model(x, L.Concatenate()([inner(inner(x)), x]))
    yield "one wire twice", Model(x, L.Subtract()([x, L.Activation("tanh")(x)]))


def each_layer():
    """Yield (name, model) so that every layer there is stands in one of them."""
    for data_format in FORMATS:
        for name, *layers in (
            *local_models(data_format),
            *spatial_models(data_format),
        ):
            yield f"{name}, {data_format}", chain(*layers)
    for name, *layers in plain_models():
        yield name, chain(*layers)
    yield from graphs()


def drawn(seed):
    """Return a random chain around locally connected layers."""
    rng = np.random.default_rng(seed)
    rank, data_format = int(rng.integers(1, 4)), FORMATS[rng.integers(2)]
    sizes = tuple(int(n) for n in rng.integers(4, 13 if rank < 3 else 7, rank))
    channels = int(rng.integers(1, 4))
    last = data_format == "channels_last"
    model = Sequential(seed=seed)
    model.add(L.InputLayer((*sizes, channels) if last else (channels, *sizes)))
    kinds = ("LocallyConnected", "LocallyConnected", "LowRankLocallyConnected", "Conv")
    for _ in range(int(rng.integers(1, 4))):
        shape = model.output_shape[1:]
        spatial = shape[:-1] if last else shape[1:]
        kind = kinds[rng.integers(len(kinds))]
        size = tuple(int(rng.integers(1, min(n, 3) + 1)) for n in spatial)
        dilated = rng.random() < 0.2
        more = {"spatial_rank": 2} if kind.startswith("LowRank") else {}
        if kind == "LocallyConnected" and rng.random() < 0.3:
            more = {"share": int(rng.integers(1, 4)), "tile": int(rng.integers(1, 4))}
        model.add(
            getattr(L, f"{kind}{rank}D")(
                int(rng.integers(1, 4)),
                size,
                strides=1 if dilated else tuple(int(rng.integers(1, 3)) for _ in size),
                dilation_rate=2 if dilated else 1,
                padding="same",
                data_format=data_format,
                activation=ACTIVATIONS[rng.integers(len(ACTIVATIONS))],
                use_bias=bool(rng.random() < 0.8),
                bias_initializer="normal",
                **more,
            )
        )
    model.add(L.Flatten())
    model.add(L.Dense(3, "softmax"))
    return model


def old_files():
    """Yield (name, model, inputs, outputs) for the files that Keras 2 wrote."""
    root = reference.ROOT
    for path in sorted(root.glob("*/*")):
        if path.suffix not in (".h5", ".keras") or ".w" in path.name:
            continue
        if path.stem in NO_MODEL:
            continue
        ending = f"_{path.suffix[1:]}.npz"
        for name in (f"{path.stem}.npz", f"{path.stem}{ending}"):
            if (path.parent / name).exists():
                recorded = path.parent / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = localnet.load_model(path, compile=False)
        with np.load(recorded) as data:
            xs = [data[k] for k in data.files if k == "x" or _numbered(k, "x")]
            ys = [data[k] for k in data.files if k == "y" or _numbered(k, "saved")]
        yield f"{path.parent.name}/{path.name}", model, xs, ys


def _numbered(key, letter):
    return key.startswith(letter) and key[len(letter) :].isdigit()


def recorded_layers():
    """Yield (name, model, data) for the single layers that tf_keras computed."""
    for path in sorted((reference.ROOT / "lc").glob("*.npz")):
        data = reference.load(f"lc/{path.name}")
        config = data["config"]
        options = dict(config["kwargs"])
        layer = getattr(L, config["class_name"])(
            **options, dtype=config["dtype"], input_shape=data["x"].shape[1:]
        )
        model = chain(layer)
        where = {
            "input_shape": data["x"].shape[1:],
            "kernel_size": layer.kernel_size,
            "filters": layer.filters,
            "strides": layer.strides,
            "padding": layer.padding,
            "data_format": layer.data_format,
        }
        source = f"keras{options.get('implementation', 1)}"
        for key in ("kernel", "dkernel"):
            data[key] = convert_kernel(data[key], source, "keras1", **where)
        layer.set_weights([data[k] for k in ("kernel", "bias") if k in data])
        yield path.stem, model, data


def batch_for(model, count):
    """Return random inputs of a model."""
    shapes = model.input_shape
    shapes = shapes if isinstance(shapes, list) else [shapes]
    rng, dtype = np.random.default_rng(1), dtype_of(model)
    return [rng.normal(size=(count, *shape[1:])).astype(dtype) for shape in shapes]


def dtype_of(model):
    """Return the float type of what is exported."""
    kinds = {layer.dtype.name for layer in model.program.layers.values()}
    return np.dtype("float64" if "float64" in kinds else "float32")


def outputs_of(model, xs):
    """Return what localnet computes, as a list."""
    found = model.predict_on_batch(xs if len(xs) > 1 else xs[0])
    return list(found) if isinstance(found, (list, tuple)) else [found]


def learns(model):
    """Return what localnet's names of the weights are in generated files, in order."""
    return [
        f"{path}/{name}"
        for path, layer in model.program.layers.items()
        for name in layer.trainable_params
    ]


def gradients_of(model, xs):
    """Return targets of a squared error, its value and gradients by name."""
    rng = np.random.default_rng(2)
    ys = [rng.normal(size=y.shape).astype(y.dtype) for y in outputs_of(model, xs)]
    model.compile("sgd", "mse")
    several = len(xs) > 1, len(ys) > 1
    loss, grads = model.loss_and_gradients(
        xs if several[0] else xs[0], ys if several[1] else ys[0]
    )
    return ys, loss, dict(zip(learns(model), grads, strict=True))


def has_noise(model):
    """Tell whether anything is drawn while training."""
    return _has(model, L.Dropout, L.GaussianNoise, L.GaussianDropout)


def has_statistics(model):
    """Tell whether training normalises by the batch."""
    return _has(model, L.BatchNormalization)


def _has(model, *kinds):
    return any(
        isinstance(inner, kinds)
        for layer in model.program.layers.values()
        for inner in layer.with_inner()
    )


def close(got, want, digits=4.5, floor=1e-6):
    """Hold an array to another, beside the largest number in it."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    scale = max(float(np.abs(want).max(initial=0.0)), floor)
    error = float(np.abs(got.astype(np.float64) - want).max(initial=0.0))
    assert error <= scale * 10.0**-digits, f"off by {error:.3g} beside {scale:.3g}"


# A graph by its definition ----------------------------------------------------------


def run_in_numpy(graph, xs):
    """Compute a graph by what its operations mean, in NumPy."""
    values = []
    for number, node in enumerate(graph.nodes):
        taken = [values[place] for place in node.inputs]
        if node.op == "input":
            value = xs[node.attributes["place"]]
        elif node.op == "weight":
            value = graph.weights[number].array
        else:
            value = OPERATIONS[node.op](node.attributes, node.shape, *taken)
        sizes = [len(value) if n is None else n for n in node.shape]
        assert list(value.shape) == sizes, node
        values.append(value)
    return [values[value.number] for value in graph.outputs]


def _reshape(a, shape, x):
    return x.reshape([-1 if n is None else n for n in shape])


def _gather(a, shape, x, table):
    flat = x.reshape(len(x), -1)
    fill = np.full((len(x), 1), a["fill"], x.dtype)
    return np.concatenate([flat, fill], 1)[:, table]


def _local(a, shape, x, kernel, table=None):
    fields = x if table is None else _gather({"fill": 0.0}, shape, x, table)
    return np.einsum("nlk,lkf->nlf", fields, kernel)


def _conv(a, shape, x, kernel):
    x = np.pad(x, ((0, 0), (0, 0), *a["pads"]))
    y = np.zeros((len(x), *shape[1:]), x.dtype)
    each, per = shape[1] // a["groups"], kernel.shape[1]
    for tap in np.ndindex(kernel.shape[2:]):
        where = tuple(
            slice(t * d, t * d + (o - 1) * s + 1, s)
            for t, d, o, s in zip(
                tap, a["dilation"], shape[2:], a["strides"], strict=True
            )
        )
        for group in range(a["groups"]):
            part = x[(slice(None), slice(group * per, (group + 1) * per), *where)]
            filters = slice(group * each, (group + 1) * each)
            y[:, filters] += np.einsum(
                "nc...,fc->nf...", part, kernel[(filters, slice(None), *tap)]
            )
    return y


def _softmax(a, shape, x):
    powers = np.exp(x - x.max(a["axis"], keepdims=True))
    return powers / powers.sum(a["axis"], keepdims=True)


def _reduced(function):
    return lambda a, shape, x: function(x, axis=a["axes"], keepdims=a["keepdims"])


def _normalise(a, shape, x, mean, variance):
    return (x - mean) / np.sqrt(variance + a["epsilon"])


def _same(a, shape, x):
    return x


def _function(function):
    return lambda a, shape, *xs: function(*xs)


def _softplus(x):
    return np.logaddexp(0.0, x)


SELU = 1.6732632423543772, 1.0507009873554805
OPERATIONS = {
    "reshape": _reshape,
    "transpose": lambda a, shape, x: x.transpose(a["order"]),
    "gather": _gather,
    "take": lambda a, shape, x, table: x[table],
    "concatenate": lambda a, shape, *xs: np.concatenate(xs, a["axis"]),
    "local": _local,
    "matmul": _function(np.matmul),
    "conv": _conv,
    "add": _function(np.add),
    "subtract": _function(np.subtract),
    "multiply": _function(np.multiply),
    "divide": _function(np.divide),
    "maximum": _function(np.maximum),
    "minimum": _function(np.minimum),
    "sum": _reduced(np.sum),
    "mean": _reduced(np.mean),
    "max": _reduced(np.max),
    "softmax": _softmax,
    "log_softmax": lambda a, shape, x: np.log(_softmax(a, shape, x)),
    "normalise": _normalise,
    "dropout": _same,
    "gaussian_noise": _same,
    "gaussian_dropout": _same,
    "relu": _function(lambda x: np.maximum(x, 0)),
    "leaky_relu": lambda a, shape, x: np.where(x > 0, x, a["alpha"] * x),
    "threshold": lambda a, shape, x: np.where(x > a["theta"], x, 0),
    "at_most": lambda a, shape, x: np.minimum(x, a["bound"]),
    "affine": lambda a, shape, x: a["scale"] * x + a["shift"],
    "elu": lambda a, shape, x: np.where(x > 0, x, a["alpha"] * np.expm1(x)),
    "selu": _function(lambda x: SELU[1] * np.where(x > 0, x, SELU[0] * np.expm1(x))),
    "softplus": _function(_softplus),
    "softsign": _function(lambda x: x / (1 + np.abs(x))),
    "tanh": _function(np.tanh),
    "sigmoid": _function(expit),
    "exponential": _function(np.exp),
    "hard_sigmoid": _function(lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    "swish": _function(lambda x: x * expit(x)),
    "gelu": _function(lambda x: x * ndtr(x)),
    "mish": _function(lambda x: x * np.tanh(_softplus(x))),
}
