"""The words of Keras 1, and those that took their place in Keras 2."""

from collections.abc import Iterable

__all__ = ["NEW_WORDS", "keras1_error", "new_word"]

# Arguments, of whichever layer or method.
NEW_WORDS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "beta_init": "beta_initializer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "gamma_init": "gamma_initializer",
    "init": "kernel_initializer",
    "input": "inputs",
    "max_q_size": "max_queue_size",
    "nb_col": "kernel_size",
    "nb_epoch": "epochs",
    "nb_filter": "filters",
    "nb_row": "kernel_size",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
    "output": "outputs",
    "output_dim": "units",
    "p": "rate",
    "pickle_safe": "use_multiprocessing",
    "pool_length": "pool_size",
    "samples_per_epoch": "steps_per_epoch",
    "show_accuracy": "metrics=['accuracy'] of compile",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
    "filter_length": "kernel_size",
    "val_samples": "steps",
}


def new_word(name: str) -> str:
    """
    Return what an error adds for an argument of Keras 1; nothing for any other.

    >>> new_word("nb_epoch"), new_word("epochs")
    ("; it is called 'epochs'", '')
    """
    new = NEW_WORDS.get(name)
    return f"; it is called {new!r}" if new else ""


def keras1_error(
    what: str, names: Iterable[str], known: Iterable[str]
) -> TypeError | None:
    """
    Return the error for arguments of which some are Keras 1's; None if none is.

    Parameters
    ----------
    what : str
        The class or method that was called.
    names : iterable of str
        The keywords that it was given.
    known : iterable of str
        Those that it knows.

    Returns
    -------
    TypeError or None
        One sentence with every old word and the new one.
    """
    known = set(known)
    old = [n for n in dict.fromkeys(names) if n in NEW_WORDS and n not in known]
    if not old:
        return None
    words = ", ".join(f"{name} is {NEW_WORDS[name]} now" for name in old)
    if "Conv" in what or "Connected" in what:
        words += ", and the sizes of a kernel are one tuple, kernel_size=(3, 3)"
    return TypeError(f"{what} must be given the words of Keras 2: {words}")
