"""Old modules of Keras, found when they are imported, and names that moved."""

import importlib
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

from .networks import NETWORKS

__all__ = ["install", "old_names"]

PACKAGE = "localnet"

_POOLING = " ".join(
    f"{kind}Pooling{rank}D {short}Pool{rank}D"
    f" Global{kind}Pooling{rank}D Global{short}Pool{rank}D"
    for rank in (1, 2, 3)
    for kind, short in (("Max", "Max"), ("Average", "Avg"))
)
_CONVOLUTIONS = (
    "Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D Conv1DTranspose "
    "Conv2DTranspose Conv3DTranspose Convolution2DTranspose Convolution3DTranspose "
    "Deconvolution2D Deconvolution3D SeparableConv1D SeparableConv2D "
    "SeparableConvolution1D SeparableConvolution2D DepthwiseConv2D "
    "UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D "
    "Cropping1D Cropping2D Cropping3D"
)
_CORE = (
    "Activation ActivityRegularization Dense Dropout Flatten Lambda Masking Permute "
    "RepeatVector Reshape SpatialDropout1D SpatialDropout2D SpatialDropout3D Highway "
    "MaxoutDense Merge TimeDistributedDense"
)
_MERGE = (
    "Add Subtract Multiply Average Maximum Minimum Concatenate Dot add subtract "
    "multiply average maximum minimum concatenate dot Merge merge"
)
_LOSSES = (
    "mape msle bce kld binary_crossentropy categorical_crossentropy hinge poisson "
    "sparse_categorical_crossentropy squared_hinge categorical_hinge kl_divergence "
    "mean_squared_error mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_logarithmic_error log_cosh"
)
_PREPROCESSING = (
    "Rescaling Normalization Resizing CenterCrop RandomFlip RandomRotation RandomZoom "
    "RandomTranslation RandomContrast RandomCrop CategoryEncoding Discretization "
    "Hashing StringLookup IntegerLookup TextVectorization"
)
_INITIALIZERS = (
    "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity Initializer "
    "LecunNormal LecunUniform Ones Orthogonal RandomNormal RandomUniform "
    "TruncatedNormal VarianceScaling Zeros"
)
_RECURRENT = "Bidirectional GRU GRUCell LSTM LSTMCell RNN SimpleRNN SimpleRNNCell"

# Modules of data that are downloaded.
DOWNLOADS = [
    *("mnist", "fashion_mnist", "cifar10", "cifar100"),
    *("imdb", "reuters", "boston_housing"),
]

# Each old module: where its names live now, and which Keras had in it.
MODULES: dict[str, tuple[str, str]] = {
    "applications": (
        "applications",
        " ".join(dict.fromkeys(" ".join(NETWORKS.values()).split())),
    ),
    **{
        f"applications.{name}": (
            "applications",
            f"{classes} preprocess_input decode_predictions",
        )
        for name, classes in NETWORKS.items()
    },
    "backend.tensorflow_backend": ("backend", "set_session get_session clear_session"),
    **{
        f"datasets.{name}": (f"datasets.{name}", "load_data get_word_index")
        for name in DOWNLOADS
    },
    "engine": ("layers", "Input InputLayer InputSpec Layer Model"),
    "engine.base_layer": ("layers", "InputSpec Layer"),
    "engine.input_layer": ("layers", "Input InputLayer"),
    "engine.sequential": ("models", "Sequential"),
    "engine.network": ("models", "Network get_source_inputs"),
    "engine.topology": (
        "layers",
        "Input InputLayer InputSpec Layer Merge merge Container Network "
        "get_source_inputs",
    ),
    "engine.training": ("models", "Model"),
    "estimator": ("estimator", "model_to_estimator"),
    "experimental": ("experimental", "LinearModel WideDeepModel SequenceFeatures"),
    **{
        f"initializers.initializers_v{version}": ("initializers", _INITIALIZERS)
        for version in (1, 2)
    },
    "layers.advanced_activations": (
        "layers",
        "ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU",
    ),
    "layers.convolutional": ("layers", f"{_CONVOLUTIONS} {_POOLING}"),
    "layers.convolutional_recurrent": ("layers", "ConvLSTM2D ConvLSTM2DCell"),
    "layers.core": ("layers", _CORE),
    "layers.cudnn_recurrent": ("layers", "CuDNNGRU CuDNNLSTM"),
    "layers.embeddings": ("layers", "Embedding"),
    "layers.local": ("layers", "LocallyConnected1D LocallyConnected2D"),
    "layers.experimental": ("layers", "EinsumDense"),
    "layers.experimental.preprocessing": ("layers", _PREPROCESSING),
    "layers.merge": ("layers", f"{_MERGE} _Merge"),
    "layers.noise": ("layers", "AlphaDropout GaussianDropout GaussianNoise"),
    "layers.normalization": ("layers", "BatchNormalization LayerNormalization"),
    "layers.pooling": (
        "layers",
        f"{_POOLING} "
        + " ".join(f"_Pooling{r}D _GlobalPooling{r}D" for r in (1, 2, 3)),
    ),
    "layers.preprocessing": ("layers", _PREPROCESSING),
    "layers.recurrent": ("layers", _RECURRENT),
    "layers.wrappers": ("layers", "Bidirectional TimeDistributed"),
    "legacy": ("layers", "interfaces"),
    "legacy.layers": ("layers", "Highway MaxoutDense Merge merge"),
    "mixed_precision": (
        "mixed_precision",
        "set_global_policy global_policy Policy LossScaleOptimizer",
    ),
    "objectives": (
        "losses",
        "mse mae mape msle mean_squared_error mean_absolute_error "
        "mean_absolute_percentage_error mean_squared_logarithmic_error squared_hinge "
        "hinge categorical_hinge logcosh categorical_crossentropy "
        "sparse_categorical_crossentropy binary_crossentropy poisson cosine_proximity "
        "kullback_leibler_divergence kld cosine get serialize deserialize",
    ),
    "preprocessing": (
        "preprocessing",
        "image_dataset_from_directory text_dataset_from_directory "
        "timeseries_dataset_from_array",
    ),
    "preprocessing.image": (
        "preprocessing",
        "ImageDataGenerator load_img img_to_array array_to_img save_img "
        "random_rotation random_shift random_zoom random_shear random_brightness "
        "random_channel_shift apply_affine_transform apply_brightness_shift "
        "apply_channel_shift smart_resize Iterator DirectoryIterator "
        "NumpyArrayIterator",
    ),
    "preprocessing.sequence": (
        "preprocessing",
        "TimeseriesGenerator pad_sequences make_sampling_table skipgrams",
    ),
    "preprocessing.text": (
        "preprocessing",
        "Tokenizer text_to_word_sequence one_hot hashing_trick tokenizer_from_json",
    ),
    "saving": (
        "saving",
        "custom_object_scope get_custom_objects load_model "
        "register_keras_serializable save_model serialize_keras_object "
        "deserialize_keras_object get_registered_name get_registered_object",
    ),
    "utils.conv_utils": (
        "utils",
        "normalize_tuple conv_output_length normalize_data_format normalize_padding "
        "conv_input_length deconv_length",
    ),
    "utils.data_utils": (
        "utils",
        "Sequence get_file GeneratorEnqueuer OrderedEnqueuer SequenceEnqueuer",
    ),
    "utils.generic_utils": (
        "utils",
        "CustomObjectScope custom_object_scope get_custom_objects Progbar "
        "serialize_keras_object deserialize_keras_object",
    ),
    "utils.io_utils": ("utils", "HDF5Matrix"),
    "utils.layer_utils": ("utils", "print_summary count_params"),
    "utils.multi_gpu_utils": ("utils", "multi_gpu_model"),
    "utils.np_utils": (
        "utils",
        "normalize to_categorical categorical_probas_to_classes",
    ),
    "utils.training_utils": ("utils", "multi_gpu_model"),
    "utils.vis_utils": ("utils", "model_to_dot plot_model"),
    "utils.visualize_util": ("utils", "model_to_dot plot_model plot"),
    "wrappers": ("wrappers", ""),
    "wrappers.scikit_learn": ("wrappers", "KerasClassifier KerasRegressor"),
}

# Names of Keras that a module of today has under another one, or that moved.
ALIASES: dict[str, dict[str, str]] = {
    "": {"Layer": "layers:Layer"},
    "constraints": {
        "maxnorm": "constraints:MaxNorm",
        "minmaxnorm": "constraints:MinMaxNorm",
        "nonneg": "constraints:NonNeg",
        "unitnorm": "constraints:UnitNorm",
    },
    "initializers": {
        "normal": "initializers:RandomNormal",
        "uniform": "initializers:RandomUniform",
    },
    "layers": {
        "Model": "models:Model",
        "dot": "layers:dot",
        "Container": "models:Model",
        "Network": "models:Model",
        "get_source_inputs": "models.calls:source_inputs",
    },
    "losses": {
        "Reduction": "_keras.reduction:Reduction",
        "cosine": "losses:cosine_similarity",
        "cosine_proximity": "losses:cosine_similarity",
        "huber_loss": "losses:huber",
        "kullback_leibler_divergence": "losses:kl_divergence",
        "logcosh": "losses:log_cosh",
        **{
            name.upper(): f"losses:{name}"
            for name in ["mse", "mae", "mape", "msle", "kld"]
        },
    },
    "metrics": {
        "cosine_proximity": "metrics:cosine_similarity",
        **{name: f"losses:{name}" for name in _LOSSES.split()},
        "logcosh": "losses:log_cosh",
        "kullback_leibler_divergence": "losses:kl_divergence",
        **{name: f"losses:{name}" for name in ["kld", "mape", "msle"]},
        **{name.upper(): f"losses:{name}" for name in ["kld", "mape", "msle"]},
        **{
            f"{kind}_focal_crossentropy": f"losses:{kind}_focal_crossentropy"
            for kind in ("binary", "categorical")
        },
        "MSE": "metrics:mse",
        "MAE": "metrics:mae",
    },
    "models": {
        "Input": "layers:Input",
        "InputLayer": "layers:InputLayer",
        "model_from_config": "layers._nesting:deserialize",
        "Network": "models:Model",
        "get_source_inputs": "models.calls:source_inputs",
    },
    "optimizers.schedules": {"LearningRateSchedule": "_registry:Configurable"},
    "preprocessing": {"pad_sequences": "utils:pad_sequences"},
    "saving": {
        "register_keras_serializable": "_registry:register_keras_serializable",
        "load_model": "models:load_model",
        "save_model": "models:save_model",
        "custom_object_scope": "_registry:custom_object_scope",
        "get_custom_objects": "_registry:get_custom_objects",
    },
    "utils": {
        "CustomObjectScope": "_registry:custom_object_scope",
        "get_custom_objects": "_registry:get_custom_objects",
        "register_keras_serializable": "_registry:register_keras_serializable",
        "set_random_seed": "_keras.seeds:set_random_seed",
        "Progbar": "callbacks.progress:Progbar",
        "get_source_inputs": "models.calls:source_inputs",
        "model_to_dot": "plots.graphs:plot_model",
        "plot": "plots.graphs:plot_model",
        "plot_model": "plots.graphs:plot_model",
        "count_params": "layers._base.variables:count_params",
        "print_summary": "models.summary:summary",
    },
    "regularizers": {
        "l1l2": "regularizers:L1L2",
        "WeightRegularizer": "regularizers:L1L2",
        "ActivityRegularizer": "regularizers:L1L2",
    },
}


def _value(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(f"{PACKAGE}.{module}"), name)


def _found(home: str, name: str) -> Any:
    """Return what an old name of a module means; raise an AttributeError if nothing."""
    from .absent import absent

    path = f"{home}.{name}" if home else name
    if path in MODULES:
        return importlib.import_module(f"{PACKAGE}.{path}")
    where = ALIASES.get(home, {}).get(name)
    if where is not None:
        return _value(where)
    missing = absent(name)
    if missing is not None:
        return missing
    module = f"{PACKAGE}.{home}".rstrip(".")
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def old_names(module: str) -> Callable[[str], Any]:
    """
    Return the ``__getattr__`` of a module, which knows Keras's old names in it.

    Parameters
    ----------
    module : str
        Its ``__name__``.

    Returns
    -------
    callable
        From a name to what it means today, or to what refuses to be used.
    """
    home = module.removeprefix(PACKAGE).removeprefix(".")

    def __getattr__(name: str) -> Any:
        return _found(home, name)

    return __getattr__


class OldModule(types.ModuleType):
    """A module of Keras that is none of ours: its names are looked up elsewhere."""

    def __getattr__(self, name: str) -> Any:
        path = self.__name__.removeprefix(f"{PACKAGE}.")
        home, names = MODULES[path]
        if f"{path}.{name}" in MODULES:
            return importlib.import_module(f"{self.__name__}.{name}")
        if name == "__all__":
            return names.split()
        if name not in names.split():
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if home in MODULES:  # what is left out altogether
            return _found(home, name)
        try:
            return _value(f"{home}:{name}")
        except (AttributeError, ImportError):
            return _found(home, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse to be what had the module's name before: Keras 1's ``merge``."""
        from .absent import why_absent

        name = self.__name__.rpartition(".")[2]
        raise NotImplementedError(
            f"{name} is not in localnet: {why_absent(name) or 'it is a module'}"
        )

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)


class Finder:
    """Finds the old modules, after all others have been asked."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return how to load an old module; None for any other."""
        package, _, name = fullname.partition(".")
        if package != PACKAGE or name not in MODULES:
            return None
        inner = any(other.startswith(f"{name}.") for other in MODULES)
        return ModuleSpec(fullname, Finder, is_package=inner)  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> types.ModuleType:
        """Make a module without contents."""
        return OldModule(
            spec.name, f"Keras's ``{spec.name}``: names that live elsewhere."
        )

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        """Run nothing: there is no file."""


def install() -> None:
    """Let old modules be imported."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
