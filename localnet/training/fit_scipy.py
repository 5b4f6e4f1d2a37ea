"""Training on all samples at once by the minimisers of SciPy: `fit_scipy`."""

from collections.abc import Mapping
from typing import Any, cast

from .. import _validate
from .._typing import ArrayLike
from ..callbacks import History
from .batches import Data
from .minimize import (
    METHODS,
    Minimisation,
    check_layers,
    check_start,
    checked_options,
)
from .sources import parted, validating
from .trainer import Trained, calls_of

__all__ = ["fit_scipy"]


def fit_scipy(
    self: Trained,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    method: str = "L-BFGS-B",
    max_iterations: int = 1000,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
    verbose: int | str = "auto",
    callbacks: Any = None,
    validation_data: Any = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: ArrayLike | None = None,
) -> History:
    r"""
    Train a small model on all samples at once by a minimiser of SciPy.

    Parameters
    ----------
    x, y : array_like
        Inputs and targets, samples first: one batch.
    method : {"L-BFGS-B", "TNC", "BFGS", "CG"}
        One of ``scipy.optimize.minimize``.
    max_iterations : int
        How many iterations to make at most; these are the epochs.
    tol : float, optional
        As for ``scipy.optimize.minimize``.
    options : dict, optional
        Of the method, such as ``{"gtol": 1e-8}``.
    verbose : {"auto", 0, 1, 2}
        As for `fit`.
    callbacks : Callback or list of Callback, optional
        Called at every stage, in order. An iteration is an epoch of one batch.
    validation_data : (x, y) or (x, y, sample_weight), optional
        Measured after every iteration.
    class_weight : dict of int to float, optional
        Multiplied into the sample weights.
    sample_weight : array_like, optional
        As for `fit`.

    Returns
    -------
    History
        ``history.history`` maps each name to its values after every iteration, and
        ``history.result`` is the ``OptimizeResult`` of SciPy.

    Raises
    ------
    RuntimeError
        If the model is not compiled, or another thread trains it.
    ValueError
        If an argument or the data are wrong; if a layer has training noise or
        statistics of batches; if a constraint is not `NonNeg`, or the method knows
        no bounds; if the loss is not finite at the start. Nothing is changed then.

    See Also
    --------
    fit : Step by step, with the optimizer.

    Notes
    -----
    The minimum is sought over the trainable weights, laid end to end in float64,
    of the loss with all penalties. The compiled optimizer has no part in it. The
    loss is computed with each weight rounded to its own dtype: with float32 no
    method gets much further than 7 digits, and it may then say that it gave up.

    Logs are taken where an iteration ends, so `EarlyStopping` with
    ``restore_best_weights`` restores the weights that had the best value. Weights
    that a callback sets are written over by the next evaluation. A step that SciPy
    tries may go where the loss is NaN, which counts as too large; an iteration that
    ends there ends the training with the weights before it.

    An error, also one of a callback, leaves the weights as they were. Ctrl-C leaves
    those of the last whole iteration, and is passed on.

    Examples
    --------
    A line through points that lie on one:

    >>> import numpy as np
    >>> from localnet import Sequential
    >>> from localnet.layers import Dense
    >>> model = Sequential([Dense(1, input_shape=(1,), dtype="float64")], seed=0)
    >>> model.compile(loss="mse")
    >>> x = [[0.0], [1.0], [2.0]]
    >>> history = model.fit_scipy(x, [[1.0], [3.0], [5.0]], verbose=0)
    >>> [np.round(weight, 4).tolist() for weight in model.get_weights()]
    [[[2.0]], [1.0]]
    >>> history.result.success
    True
    """
    method = _validate.choice("method", method, METHODS)
    max_iterations = _validate.integer("max_iterations", max_iterations, minimum=1)
    tol = _validate.optional_number("tol", tol, minimum=0.0)
    chosen = checked_options(method, options, max_iterations)
    if class_weight is not None:
        data = Data.of(x, y, sample_weight, self._trainer.ports).weighted(class_weight)
        [sample_weight] = data.sample_weights
    calls = calls_of(callbacks, self, verbose, epochs=max_iterations, steps=1)
    if calls.backup is not None:
        raise ValueError(
            "callbacks must be without BackupAndRestore, since what SciPy "
            "remembers of a minimisation cannot be saved"
        )
    batch: tuple[Any, Any, Any] = (x, y, sample_weight)
    held_out = validation_data
    if held_out is not None:
        held_out = parted(held_out, "(x, y) or (x, y, sample_weight)")
    trainer, model = self._trainer, cast(Any, self)
    with trainer.alone(), trainer.as_compiled():
        with trainer.ready():
            loss, gradients = model.loss_and_gradients(*batch)
            check_layers(list(trainer.network.leaves.values()), method)
            logs = model.test_on_batch(*batch, return_dict=True)
            check_start(loss, gradients, logs["loss"])
            run = Minimisation(
                model=model,
                calls=calls,
                data=batch,
                validation=held_out,
                # The methods count their iterations, but for this one.
                limit=max_iterations if method == "tnc" else None,
                logs=logs,
            )
            with validating():
                run.validate()
            trainer.stop_training = False
            calls.on_train_begin()
        trainer.history = calls.history
        calls.history.result = run.run(method, tol, chosen)
        return calls.history
