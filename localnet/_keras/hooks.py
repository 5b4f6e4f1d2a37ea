"""Methods that Keras asks of its subclasses, and nobody here: refused, not ignored."""

from collections.abc import Iterable

__all__ = ["LAYER", "LOSS", "MODEL", "OPTIMIZER", "STEPS", "refuse_hooks"]

OURS = f"{__name__.partition('.')[0]}."
LAYER = ("call", "_merge_function", "_get_noise_shape")
LOSS = ("call", "__call__")
MODEL = ("call",)
STEPS = (
    *("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics"),
    *("make_train_function", "make_test_function", "make_predict_function"),
)
OPTIMIZER = (
    *("update_step", "apply_gradients", "compute_gradients", "_compute_gradients"),
    *("get_gradients", "get_updates", "minimize", "_create_slots"),
    *("_resource_apply_dense", "_resource_apply_sparse"),
)


def refuse_hooks(
    cls: type, hooks: Iterable[str], rule: str, asked: str | None = None
) -> None:
    """
    Refuse a subclass with a method of Keras that would change nothing.

    Parameters
    ----------
    cls : type
        The class that is defined.
    hooks : iterable of str
        Methods that Keras asks.
    rule : str
        What to write instead: the rest of "must be written with ...".
    asked : str, optional
        What is asked here in their place: a class that defines both serves Keras too.

    Raises
    ------
    TypeError
        If a method of Keras's stands nearer than what is asked, or than ours.

    Examples
    --------
    >>> Own = type("Own", (dict,), {"call": print, "__module__": "mine"})
    >>> refuse_hooks(Own, ["call"], "items()")
    Traceback (most recent call last):
        ...
    TypeError: Own must be written with items(), got Keras's call
    """
    for base in cls.__mro__:
        if base.__module__.startswith(OURS) or asked in vars(base):
            return
        for hook in hooks:
            if hook in vars(base):
                raise TypeError(
                    f"{cls.__name__} must be written with {rule}, got Keras's {hook}"
                )
