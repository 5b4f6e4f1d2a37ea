"""The regressor."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_sample_weight, validate_data

from .._typing import Array
from ._base import FLOATS, NetworkEstimator

__all__ = ["LocallyConnectedRegressor"]


class LocallyConnectedRegressor(RegressorMixin, NetworkEstimator):
    """
    A locally connected network that predicts numbers, as a scikit-learn estimator.

    Parameters
    ----------
    sample_shape : tuple of int, optional
        What a row of X is reshaped to, channels last: ``(8, 8, 1)`` for 64 pixels.
        Default: ``(n_features, 1)``, a signal.
    build : callable, optional
        ``build(sample_shape, n_outputs, seed)`` returns a model. A compiled one stays
        as it is; else it is trained for the mean squared error with Adam. Default: one
        locally connected and one dense layer, by `filters`, `kernel_size` and
        `activation`.
    filters, kernel_size, activation
        Of the locally connected layer of the default network.
    learning_rate : float
        Of Adam, where the model is not compiled.
    epochs : int
        Passes over the samples, at most.
    batch_size : int
        Samples of an update.
    early_stopping : bool
        Whether to hold samples out, and to stop when the loss on them has not become
        smaller for `n_iter_no_change` epochs; the best weights are kept.
    validation_fraction : float, optional
        The part that is held out; to give it turns early stopping on. Default: 0.1 with
        early stopping.
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
    LocallyConnectedClassifier : The same for classes.
    localnet.Sequential : What `build` may return.

    Notes
    -----
    X and y are taken as they are: put a scaler before, and around y if its values are
    far from 1 (`sklearn.compose.TransformedTargetRegressor`).

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 12))
    >>> y = X[:, 2] - X[:, 7]
    >>> regressor = LocallyConnectedRegressor(random_state=0).fit(X, y)
    >>> regressor.score(X, y) > 0.95
    True
    """

    _output_activation = None
    _loss = "mean_squared_error"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """
        Train a network.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array_like of shape (n_samples,), optional
            Factors of the loss.

        Returns
        -------
        LocallyConnectedRegressor
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are wrong, or the loss became infinite; an
            estimator that was fitted stays as it was, unless it went on with its model.
        """
        self._check_parameters()
        return self._fit(
            (X, y, sample_weight),
            new=self._begins(),
            epochs=self.epochs,
            held_out=self._held_out(),
        )

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """
        Train the network for one more pass, over these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        LocallyConnectedRegressor
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are wrong.
        """
        self._check_parameters()
        new = not hasattr(self, "model_")
        return self._fit((X, y, sample_weight), new=new, epochs=1, held_out=0.0)

    def _fit(
        self,
        data: tuple[Any, Any, Any],
        *,
        new: bool,
        epochs: int,
        held_out: float,
    ) -> Self:
        X, y, sample_weight = data
        X, y = validate_data(
            self, X, y, reset=new, dtype=FLOATS, multi_output=True, y_numeric=True
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        targets = y.reshape(len(y), -1)
        rng = self._generator()
        count = targets.shape[1]
        model = self._new_network(count, rng) if new else self._old_network()
        if new and model.output_shape != (None, count):
            raise ValueError(
                f"build must return a model whose output is {(None, count)}, got "
                f"{model.output_shape}"
            )
        if model.output_shape != (None, count):
            raise ValueError(
                f"y must have as many columns as the model has outputs, "
                f"{model.output_shape[-1]}, got {count}"
            )
        self._train(
            model,
            (self._samples(X), targets, sample_weight),
            epochs=epochs,
            held_out=held_out,
            rng=rng,
        )
        self._one_dimensional = y.ndim == 1
        return self

    def predict(self, X: Any) -> Array:
        """
        Predict the targets of samples.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As y was.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If X is wrong.
        """
        answers = self._outputs(X).astype(np.float64)
        return answers[:, 0] if self._one_dimensional else answers

    def __sklearn_tags__(self) -> Any:
        """Say that several outputs are allowed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
