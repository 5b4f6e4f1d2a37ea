"""What localnet leaves out: why, and what to do instead."""

from typing import Any

from .networks import NETWORKS

__all__ = ["absent", "why_absent"]

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
    "SimpleRNNCell StackedRNNCells AbstractRNNCell",
    "it looks up no tables: one-hot data, utils.to_categorical(x, n), into a "
    "Dense(output_dim, use_bias=False) is the same layer with the same weights": (
        "Embedding"
    ),
    "it has no masks: multiply the data with np.any(x != value, -1, keepdims=True), "
    "which is what the layer gives": "Masking",
    ATTENTION: "Attention AdditiveAttention MultiHeadAttention",
    "normalise the data with NumPy, between two models, or use BatchNormalization": (
        "LayerNormalization GroupNormalization SpectralNormalization"
    ),
    "leave it out, or use Activation('linear')": "Identity",
    "it has no einsum layer: write one with compute and gradients, or Dense and Dot": (
        "EinsumDense"
    ),
    "Conv layers have a dilation_rate": "AtrousConvolution1D AtrousConvolution2D "
    "AtrousConv1D AtrousConv2D",
    "it looks up no classes: number them with np.unique(x, return_inverse=True), and "
    "use utils.to_categorical": "CategoryEncoding Hashing HashedCrossing StringLookup "
    "IntegerLookup DenseFeatures FeatureSpace",
    "number the intervals with np.digitize": "Discretization",
    "leave it out, it does nothing but in training, or use Dropout": "AlphaDropout",
    SEPARABLE: "SeparableConv1D SeparableConv2D SeparableConvolution1D "
    "SeparableConvolution2D DepthwiseConv1D DepthwiseConv2D DepthwiseConvolution2D",
    "a LocallyConnected transpose with equal kernels at all locations computes it": (
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
        "Convolution2DTranspose "
        "Convolution3DTranspose Deconvolution2D Deconvolution3D"
    ),
    "merging is done by layers, one for each mode of Keras 1: 'concat' is concatenate, "
    "'mul' is multiply, 'sum' is add, 'ave' is average, 'max' is maximum and 'dot' is "
    "dot": "Merge merge",
    "it is one of Keras 1: write Dense, an activation and Multiply": "Highway "
    "MaxoutDense TimeDistributedDense interfaces",
    "scale the data before the model": "Rescaling Normalization Resizing CenterCrop",
    AUGMENTATION: "ImageDataGenerator RandomFlip RandomRotation RandomZoom "
    "RandomTranslation RandomContrast RandomCrop RandomBrightness RandomHeight "
    "RandomWidth DirectoryIterator NumpyArrayIterator Iterator apply_affine_transform "
    "apply_brightness_shift apply_channel_shift random_brightness random_channel_shift "
    "random_rotation random_shear random_shift random_zoom smart_resize",
    "read pictures with matplotlib.image.imread, which gives arrays": (
        "load_img img_to_array array_to_img save_img"
    ),
    TEXT: "Tokenizer text_to_word_sequence one_hot hashing_trick skipgrams "
    "make_sampling_table tokenizer_from_json TextVectorization",
    "cut the windows with numpy.lib.stride_tricks.sliding_window_view": (
        "TimeseriesGenerator timeseries_dataset_from_array"
    ),
    "read the files in the __getitem__ of a utils.Sequence, and give that to fit": (
        "image_dataset_from_directory text_dataset_from_directory "
        "audio_dataset_from_directory split_dataset"
    ),
    "fit reads a Sequence or a generator in its own thread: give it to fit": (
        "GeneratorEnqueuer OrderedEnqueuer SequenceEnqueuer"
    ),
    "fit averages by itself, so leave it out": "BaseLogger",
    OWN_LAYERS: "InputSpec Wrapper normalize_tuple conv_output_length "
    "normalize_data_format normalize_padding conv_input_length deconv_length",
    "merge, pooling and convolution layers of your own are subclasses of Layer, with "
    "compute and gradients": "_Merge _Pooling1D _Pooling2D _Pooling3D "
    "_GlobalPooling1D _GlobalPooling2D _GlobalPooling3D _Conv",
    "objects are written by get_config, and by serialize of their own module": (
        "serialize_keras_object deserialize_keras_object get_registered_name "
        "get_registered_object"
    ),
    "classes are np.argmax(y, -1)": "categorical_probas_to_classes",
    "it has layers, and models of them: write Dense layers": (
        "LinearModel WideDeepModel SequenceFeatures model_to_estimator"
    ),
    "a model is described by JSON: use to_json and model_from_json": "model_from_yaml",
    "it computes in float32 or float64: see config.set_floatx": (
        "set_global_policy global_policy Policy LossScaleOptimizer"
    ),
    "it writes no TensorBoard logs: CSVLogger writes the same numbers, and "
    "localnet.plots.history draws them": "TensorBoard",
    "it talks to no server: a LambdaCallback can": "RemoteMonitor SidecarEvaluator "
    "SidecarEvaluatorModelExport",
    SCIKIT: "KerasClassifier KerasRegressor",
    PRETRAINED: f"preprocess_input decode_predictions {' '.join(NETWORKS.values())}",
    DOWNLOAD: "load_data get_word_index get_file",
    DIFFERENTIATION: "gradients GradientTape",
    ADDED: "add_loss add_metric",
    SYMBOLIC: "placeholder variable update update_add update_sub conv1d conv2d conv3d "
    "local_conv1d local_conv2d pool2d batch_dot in_train_phase rnn map_fn foldl "
    "random_normal_variable random_uniform_variable stop_gradient "
    "batch_normalization normalize_batch_in_training conv1d_transpose "
    "conv2d_transpose depthwise_conv2d separable_conv2d pool3d dropout foldr "
    "in_test_phase moving_average_update name_scope learning_phase_scope get_uid "
    "reset_uids manual_variable_initialization is_sparse to_dense resize_images "
    "resize_volumes spatial_3d_padding random_bernoulli",
    "write the loss with its gradient, or give it to losses.Differentiated": (
        "ctc_batch_cost ctc_decode ctc_label_dense_to_sparse"
    ),
    "it has no sessions: leave this call out": "set_session get_session",
    "it prints nothing of itself: print the array": "print_tensor",
    "data on disk are read by np.memmap, which fit takes as it is": "HDF5Matrix",
    "it has no GPUs: leave this call out": "multi_gpu_model",
    "it has Adam, SGD and six others: see localnet.optimizers": (
        "Ftrl Lion Adafactor TFOptimizer"
    ),
    "a metric of your own is a function of arrays, or a subclass of metrics.Metric": (
        "MeanIoU IoU BinaryIoU OneHotIoU OneHotMeanIoU MeanRelativeError MeanTensor "
        "CosineProximity F1Score FBetaScore R2Score MeanMetricWrapper"
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
