"""The classifier."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, validate_data

from .. import losses
from .._typing import Array
from .._validate import shown
from ..activations import sigmoid, softmax
from ._base import FLOATS, NetworkEstimator

__all__ = ["LocallyConnectedClassifier"]

# Rows that the outputs of a new network are looked at with.
PROBED = 16


class LocallyConnectedClassifier(ClassifierMixin, NetworkEstimator):
    """
    A locally connected network that tells classes apart, as a scikit-learn estimator.

    Parameters
    ----------
    sample_shape : tuple of int, optional
        What a row of X is reshaped to, channels last: ``(8, 8, 1)`` for 64 pixels.
        Default: ``(n_features, 1)``, a signal.
    build : callable, optional
        ``build(sample_shape, n_outputs, seed)`` returns a model that answers a
        probability for each of `n_outputs` classes; for two classes also that of the
        second one alone. A compiled one stays as it is, also with a loss
        ``from_logits``; else it is trained for the crossentropy with Adam. Default: one
        locally connected layer and a softmax, by `filters`, `kernel_size` and
        `activation`.
    filters, kernel_size, activation
        Of the locally connected layer of the default network.
    learning_rate : float
        Of Adam, where the model is not compiled.
    epochs : int
        Passes over the samples, at most.
    batch_size : int
        Samples of an update.
    class_weight : dict, "balanced" or None
        Factors of the loss by class; ``"balanced"``: so that all classes count alike.
    early_stopping : bool
        Whether to hold samples out, and to stop when the loss on them has not become
        smaller for `n_iter_no_change` epochs; the best weights are kept.
    validation_fraction : float, optional
        The part of every class that is held out; to give it turns early stopping on.
        Default: 0.1 with early stopping.
    n_iter_no_change : int
        Epochs that early stopping waits.
    warm_start : bool
        Whether `fit` goes on with the network that there is.
    random_state : int, RandomState or None
        Of the model's seed, and so of start weights, shuffling and noise, and of what
        is held out.
    verbose : int
        0 silent, 1 a progress bar for every epoch, 2 a line.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    model_ : Sequential or Model
        The trained network.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of str
        Their names, if all are strings.
    loss_curve_, validation_loss_curve_ : list of float
        The loss of every epoch; the second is empty without early stopping.
    n_iter_ : int
        How many epochs there were.

    See Also
    --------
    LocallyConnectedRegressor : The same for numbers.
    localnet.Sequential : What `build` may return.

    Notes
    -----
    X is taken as it is: put a scaler before, or divide pixels by their maximum.

    Examples
    --------
    >>> from localnet.datasets import load_digits
    >>> (x, y), _ = load_digits()
    >>> X = x.reshape(len(x), -1) / 16
    >>> classifier = LocallyConnectedClassifier((8, 8, 1), epochs=5, random_state=0)
    >>> classifier.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.9
    True
    """

    _output_activation = "softmax"
    _loss = "sparse_categorical_crossentropy"

    def __init__(
        self,
        sample_shape: Any = None,
        build: Any = None,
        *,
        filters: int = 8,
        kernel_size: Any = 3,
        activation: Any = "relu",
        learning_rate: float = 0.003,
        epochs: int = 50,
        batch_size: int = 32,
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            sample_shape,
            build,
            filters=filters,
            kernel_size=kernel_size,
            activation=activation,
            learning_rate=learning_rate,
            epochs=epochs,
            batch_size=batch_size,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """
        Train a network.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.
        y : array_like of shape (n_samples,)
            Labels: integers, strings, anything that can be sorted.
        sample_weight : array_like of shape (n_samples,), optional
            Factors of the loss.

        Returns
        -------
        LocallyConnectedClassifier
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are wrong, or the loss became infinite; an
            estimator that was fitted stays as it was, unless it went on with its model.
        """
        self._check_parameters()
        new = self._begins()
        X, y = self._checked(X, y, new=new)
        classes = _labels(y) if new else self.classes_
        return self._fit(
            (X, y, sample_weight),
            classes,
            new=new,
            epochs=self.epochs,
            held_out=self._held_out(),
        )

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """
        Train the network for one more pass, over these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, optional
            All labels that will ever come; needed in the first call.

        Returns
        -------
        LocallyConnectedClassifier
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are wrong.
        """
        self._check_parameters()
        new = not hasattr(self, "model_")
        if new and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight must be a dict or None for partial_fit, got 'balanced', "
                "which needs all of y"
            )
        known = _labels(classes) if new else self.classes_
        if classes is not None and not np.array_equal(unique_labels(classes), known):
            raise ValueError(f"classes must stay {known}, got {classes}")
        X, y = self._checked(X, y, new=new)
        data = (X, y, sample_weight)
        return self._fit(data, known, new=new, epochs=1, held_out=0.0)

    def _checked(self, X: Any, y: Any, *, new: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=new, dtype=FLOATS)
        check_classification_targets(y)
        return X, y

    def _fit(
        self,
        data: tuple[Array, Array, Any],
        classes: Array,
        *,
        new: bool,
        epochs: int,
        held_out: float,
    ) -> Self:
        X, y, sample_weight = data
        codes = np.searchsorted(classes, y)
        strange = classes[np.minimum(codes, len(classes) - 1)] != y
        if strange.any():
            raise ValueError(
                f"y must hold labels of {classes}, got {shown(y[strange][0])}"
            )
        if len(classes) < 2:
            raise ValueError(
                f"y must hold at least two classes, got one class, {classes[0]!r}"
            )
        weight = self._weights(X, y, sample_weight)
        rng = self._generator()
        x = self._samples(X)
        model = self._new_network(len(classes), rng) if new else self._old_network()
        if new:
            _check_outputs(model, len(classes), x[:PROBED])
        self._train(
            model,
            (x, _targets(model, codes), weight),
            epochs=epochs,
            held_out=held_out,
            strata=codes,
            rng=rng,
        )
        self.classes_ = classes
        return self

    def _weights(self, X: Array, y: Array, sample_weight: Any) -> Array | None:
        """Return the product of the weights of samples and classes."""
        if sample_weight is None and self.class_weight is None:
            return None
        weight: Array = _check_sample_weight(sample_weight, X, dtype=np.float64)
        product: Array = weight * compute_sample_weight(self.class_weight, y)
        return product

    def _loss_for(self, model: Any) -> str:
        """Return the crossentropy for as many outputs as the model has."""
        alone = model.output_shape[-1] == 1
        return "binary_crossentropy" if alone else self._loss

    def predict_proba(self, X: Any) -> Array:
        """
        Predict the probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``, in the model's own float type.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If X is wrong.
        """
        outputs = self._outputs(X)
        return _probabilities(self.model_, outputs)

    def predict_log_proba(self, X: Any) -> Array:
        """
        Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            ``log(predict_proba(X))``; minus infinity where a probability is 0.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If X is wrong.
        """
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> Array:
        """
        Predict the classes of samples.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The labels of the highest probabilities.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If X is wrong.
        """
        probabilities = self.predict_proba(X)
        labels: Array = self.classes_[probabilities.argmax(axis=1)]
        return labels


def _labels(y: Any) -> Array:
    """Return the different labels, sorted, as objects if they came as such."""
    labels: Array = unique_labels(y)
    return labels.astype(object) if getattr(y, "dtype", None) == "O" else labels


def _targets(model: Any, codes: Array) -> Array:
    """Return the numbers of classes in the form that the model's loss compares."""
    if isinstance(losses.as_loss(model.loss), losses.SparseCategoricalCrossentropy):
        return codes
    width = model.output_shape[-1]
    return codes[:, np.newaxis] * 1.0 if width == 1 else np.eye(width)[codes]


def _probabilities(model: Any, outputs: Array) -> Array:
    """Return a column for each class from what the model answers."""
    alone = outputs.shape[1] == 1
    if getattr(losses.as_loss(model.loss), "from_logits", False):
        outputs = sigmoid(outputs) if alone else softmax(outputs)
    return np.hstack([1 - outputs, outputs]) if alone else outputs


def _check_outputs(model: Any, classes: int, x: Array) -> None:
    """Refuse a model that does not answer a probability for each class."""
    expected = (None, classes)
    if model.output_shape != expected and not (
        classes == 2 and model.output_shape == (None, 1)
    ):
        raise ValueError(
            f"build must return a model whose output is {expected}, got "
            f"{model.output_shape}"
        )
    p = _probabilities(model, model.predict(x, verbose=0))
    if not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-2)):
        raise ValueError(
            "build must return a model that answers probabilities, got outputs such as "
            f"{p[0]}; end it with a softmax, or compile it with a loss from_logits"
        )
