"""What localnet leaves out: why, and what to do instead."""

from typing import Any

__all__ = ["Absent", "absent", "why_absent"]

RECURRENT = (
    "it has no recurrent layers, since it does not differentiate through time: use "
    "Conv1D or LocallyConnected1D over the time axis, or let tf_keras compute this "
    "part and give what it predicts as data"
)
ATTENTION = (
    "it has no attention: merge layers with a softmax, Multiply and Dot, compute what "
    "has no weights, or write the layer with compute and gradients"
)
AUGMENTATION = (
    "it does not change images: change them with NumPy in the __getitem__ of a "
    "utils.Sequence, and give that to fit"
)
PRETRAINED = (
    "it ships no pretrained networks: compute their features with tf_keras, and give "
    "these as data"
)
DOWNLOAD = (
    "it downloads nothing: read a copy of the data with np.load, or use those of "
    "localnet.datasets"
)
TEXT = "it has no words: turn them into arrays first, for instance with NumPy"
OWN_LAYERS = (
    "layers of your own state their shapes in build and compute_output_shape: "
    "subclass Layer, and leave this out"
)
SCIKIT = (
    "it wraps its own models for scikit-learn: see LocallyConnectedClassifier and "
    "LocallyConnectedRegressor of localnet.sklearn, with build= for a model of yours"
)
DIFFERENTIATION = (
    "it does not differentiate by itself: call model.loss_and_gradients(x, y) for the "
    "gradients of the weights, or layer.backward(dy) for that of an input"
)
SYMBOLIC = (
    "there are no tensors without values but the handles of Input: write a layer with "
    "compute and gradients, or compute with arrays"
)
ADDED = (
    "it differentiates no expressions: a penalty on weights is a kernel_regularizer, "
    "one on an output an activity_regularizer or ActivityRegularization; for any other "
    "make what it depends on an output of the model, and give that output a loss, "
    "losses.Differentiated(function), or a metric in compile"
)
SEPARABLE = (
    "Conv layers have groups: as many groups as channels make it depthwise, and one "
    "with kernel_size 1 behind it separable"
)

_REASONS = {
    RECURRENT: "LSTM GRU SimpleRNN RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D "
    "ConvLSTM2DCell ConvRecurrent2D CuDNNGRU CuDNNLSTM GRUCell LSTMCell Recurrent "
    "SimpleRNNCell StackedRNNCells",
    "it looks up no tables: one-hot data, utils.to_categorical(x, n), into a "
    "Dense(output_dim, use_bias=False) is the same layer with the same weights": (
        "Embedding"
    ),
    "it has no masks: multiply the data with np.any(x != value, -1, keepdims=True), "
    "which is what the layer gives": "Masking",
    ATTENTION: "Attention AdditiveAttention MultiHeadAttention",
    "normalise the data with NumPy, between two models, or use BatchNormalization": (
        "LayerNormalization GroupNormalization"
    ),
    "leave it out, it does nothing but in training, or use Dropout": "AlphaDropout",
    SEPARABLE: "SeparableConv1D SeparableConv2D SeparableConvolution1D "
    "SeparableConvolution2D DepthwiseConv1D DepthwiseConv2D DepthwiseConvolution2D",
    "a LocallyConnected transpose with equal kernels at all locations computes it": (
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution2DTranspose "
        "Convolution3DTranspose Deconvolution2D Deconvolution3D"
    ),
    "merging is done by layers, one for each mode of Keras 1: 'concat' is concatenate, "
    "'mul' is multiply, 'sum' is add, 'ave' is average, 'max' is maximum and 'dot' is "
    "dot": "Merge merge",
    "it is one of Keras 1: write Dense, an activation and Multiply": "Highway "
    "MaxoutDense TimeDistributedDense",
    "scale the data before the model": "Rescaling Normalization Resizing CenterCrop",
    AUGMENTATION: "ImageDataGenerator RandomFlip RandomRotation RandomZoom "
    "RandomTranslation RandomContrast RandomCrop DirectoryIterator NumpyArrayIterator "
    "apply_affine_transform random_rotation random_shift random_zoom",
    "read pictures with matplotlib.image.imread, which gives arrays": (
        "load_img img_to_array array_to_img save_img"
    ),
    TEXT: "Tokenizer text_to_word_sequence one_hot hashing_trick skipgrams "
    "make_sampling_table tokenizer_from_json TextVectorization",
    "cut the windows with numpy.lib.stride_tricks.sliding_window_view": (
        "TimeseriesGenerator timeseries_dataset_from_array"
    ),
    "fit averages by itself, so leave it out": "BaseLogger",
    OWN_LAYERS: "InputSpec Wrapper",
    "a model is described by JSON: use to_json and model_from_json": "model_from_yaml",
    "it computes in float32 or float64: see config.set_floatx": (
        "set_global_policy LossScaleOptimizer"
    ),
    "it writes no TensorBoard logs: CSVLogger writes the same numbers, and "
    "localnet.plots.history draws them": "TensorBoard",
    "it talks to no server: a LambdaCallback can": "RemoteMonitor",
    SCIKIT: "KerasClassifier KerasRegressor",
    PRETRAINED: "VGG16 VGG19 ResNet50 ResNet50V2 ResNet101 InceptionV3 Xception "
    "InceptionResNetV2 NASNetMobile NASNetLarge MobileNet MobileNetV2 DenseNet121 "
    "EfficientNetB0 preprocess_input decode_predictions "
    "vgg16 vgg19 resnet50 inception_v3 xception "
    "mobilenet",
    DOWNLOAD: "mnist cifar10 cifar100 fashion_mnist imdb reuters boston_housing "
    "get_file",
    DIFFERENTIATION: "gradients GradientTape",
    ADDED: "add_loss add_metric",
    SYMBOLIC: "placeholder variable update update_add update_sub conv1d conv2d conv3d "
    "local_conv1d local_conv2d pool2d batch_dot in_train_phase rnn map_fn foldl "
    "random_normal_variable random_uniform_variable stop_gradient set_session "
    "get_session",
    "data on disk are read by np.memmap, which fit takes as it is": "HDF5Matrix",
    "it has no GPUs: leave this call out": "multi_gpu_model",
    "it has Adam, SGD and six others: see localnet.optimizers": (
        "Ftrl Lion Adafactor TFOptimizer"
    ),
    "a metric of your own is a function of arrays, or a subclass of metrics.Metric": (
        "MeanIoU IoU MeanRelativeError MeanTensor CosineProximity F1Score "
        "FBetaScore R2Score MeanMetricWrapper"
    ),
}
REASONS = {name: reason for reason, names in _REASONS.items() for name in names.split()}


def why_absent(name: str) -> str | None:
    """Return why there is no such thing and what to do instead, if that is known."""
    return REASONS.get(name)


class Refusing(type):
    """The class of the names that may be imported and not used."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse to make an object, or to be called."""
        raise NotImplementedError(cls.__doc__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(cls.__doc__)


class Absent(metaclass=Refusing):
    """Base of what is left out."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.__bases__ != (Absent,) or cls.__module__ != __name__:
            raise NotImplementedError(cls.__mro__[1].__doc__)


_made: dict[str, type] = {}


def absent(name: str) -> type | None:
    """Return what stands for a name that is left out; None if it is not known."""
    reason = why_absent(name)
    if reason is None:
        return None
    if name not in _made:
        doc = f"{name} is not in localnet: {reason}"
        scope = {"__doc__": doc, "__module__": __name__}
        _made[name] = Refusing(name, (Absent,), scope)
    return _made[name]
