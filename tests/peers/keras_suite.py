"""
tf_keras's own tests, run on localnet from a folder that holds a copy of them.

Not part of the ordinary tests, and none of theirs is kept here: check out
``keras-team/tf-keras`` and run, where tensorflow, tf_keras and localnet are installed::

    python tests/peers/keras_suite.py ../tf-keras/tf_keras losses_test constraints_test

Without names all parts of `PARTS` run. A file is read as it is but for the name of the
package, which becomes a stand-in that looks up every name in localnet. What localnet
has not skips the test that needs it, and so do objects of TensorFlow, which `ABSENT`
knows by what localnet says of them. Counted are, for each file, the tests that pass,
those that miss something (and what), those that raise the right error with other words,
and the rest, for a person to look at, private names among them.
"""

import argparse
import importlib
import importlib.abc
import importlib.machinery
import inspect
import io
import os
import re
import sys
import types
import unittest
import warnings
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tf_keras.src.testing_infra import test_combinations
from tf_keras.src.testing_infra import test_utils as real_test_utils

import localnet
from localnet._keras.absent import Refusing

PEER = "localnet_peer"
PARTS = (
    *("locally_connected_test", "losses_test", "regularizers_test", "constraints_test"),
    *("activations_test", "initializers_test", "callbacks_test", "sequential_test"),
    *("functional_test", "core_test", "dense_test", "flatten_test", "reshape_test"),
    *("permute_test", "repeat_vector_test", "dropout_test", "gaussian_noise_test"),
    *("gaussian_dropout_test", "spatial_dropout_test", "merging_test", "lambda_test"),
    *("zero_padding_test", "cropping_test", "up_sampling_test", "max_pooling_test"),
    *("average_pooling_test", "global_max_pooling_test", "global_average_pooling_test"),
    *("activation_layers_test", "leaky_relu_test", "prelu_test", "relu_test"),
    *("learning_rate_schedule_test", "np_utils_test", "conv_test"),
    *("unit_normalization_test", "activity_regularization_test"),
    *("accuracy_metrics_test", "confusion_metrics_test", "regression_metrics_test"),
    *("hinge_metrics_test", "probabilistic_metrics_test", "time_distributed_test"),
)
HOMES = (
    *("layers", "models", "losses", "metrics", "optimizers.legacy", "optimizers"),
    *("optimizers.schedules", "regularizers", "constraints", "initializers"),
    *("activations", "callbacks", "utils", "backend", "config"),
)
# What nothing here needs: variables that wait to be set.
INITIALIZER = r"self\.evaluate\(\s*tf\.compat\.v1\.\w+_initializer\([^()]*\)\s*\)"
# What localnet says where a test comes with what it has not.
ABSENT = {
    "objects of TensorFlow": r"got (<|an? )?(class )?'?tensorflow\.|got tf\.",
    "ragged tensors": r"[Rr]agged",
    "parts of variables": r"partition_(shape|offset)|_random_generator",
    "supports_masking, stateful": r"no attribute '(supports_masking|stateful)'",
    "weights with a constraint": r"'numpy\.ndarray' object has no attribute",
    "several batch axes": r"conv\dd\w*: input_shape must have \d axes",
}
SUBCLASS = r"^(\s*class \w+)\([\w.]*(Model|Layer)\):"
# Names and modules of Keras's inside, by those that everybody sees.
INNER = {"input_layer": "layers", "training": "models", "losses_utils": "losses"}
INNER_NAMES = {
    "ReductionV2": localnet.losses.Reduction,
    "RMSProp": localnet.optimizers.legacy.RMSprop,
    "tf_inspect": types.SimpleNamespace(
        **vars(inspect) | {"getargspec": inspect.getfullargspec}
    ),
    "variable": lambda value, dtype=None, **_: np.asarray(value, dtype or "float32"),
    "RMSPropOptimizer": localnet.optimizers.legacy.RMSprop,
}


class Missing(type):
    """What localnet has not: it may be named and subclassed, and skips when used."""

    def __call__(cls, *args, **kwargs):
        raise unittest.SkipTest(f"missing {cls.__mro__[-2].__name__}")

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise unittest.SkipTest(f"missing {cls.__mro__[-2].__name__}.{name}")


class Peer(types.ModuleType):
    """A module of Keras, as far as localnet has its names."""

    __path__ = ()

    def __call__(self, *args, **kwargs):
        raise unittest.SkipTest(f"missing {self.__name__.removeprefix(PEER + '.')}")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "test_combinations":
            return test_combinations
        if name == "test_utils":
            return stand_in_for_test_utils()
        if name in INNER_NAMES:
            return INNER_NAMES[name]
        if name.endswith("V2"):
            return getattr(self, name.removesuffix("V2"))
        words = self.__name__.split(".")[1:]
        words = [INNER.get(word, word) for word in words if word != "src"]
        near = [home for home in HOMES if set(home.split(".")) <= set(words)]
        near.sort(key=lambda home: -home.count("."))
        if not words:
            near = [""]
        for home in (*near, *HOMES):
            module = importlib.import_module(f"localnet.{home}".rstrip("."))
            if f"{home}.{name}".lstrip(".") in HOMES:
                break
            value = getattr(module, name, None)
            if isinstance(value, (types.ModuleType, Refusing)):
                continue
            if isinstance(value, type) and "optimizers" in words and name.islower():
                continue  # adam is a module inside of Keras
            if value is not None:
                return value
        if name.islower():
            return importlib.import_module(f"{self.__name__}.{name}")
        return Missing(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes a module for any path below the stand-in."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] != PEER:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return Peer(spec.name)

    def exec_module(self, module):
        module.__path__ = []


def translated(path, name):
    """Return a module made of a file of Keras, which takes localnet for Keras."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\btf_keras(\.src)?\b", PEER, text)
    text = re.sub(r"\btensorflow\.python\.training\.rmsprop\b", PEER, text)
    text = text.replace(".as_list()", "").replace(".numpy()", "")
    text = re.sub(INITIALIZER, "None", text)
    # Models and layers that are subclassed, with a call, skip what uses them.
    text = re.sub(SUBCLASS, r"\1(Subclassed\2):", text, flags=re.MULTILINE)
    module = types.ModuleType(name)
    for kind in ("Model", "Layer"):
        setattr(module, f"Subclassed{kind}", Missing(f"Subclassed{kind}", (), {}))
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def stand_in_for_test_utils():
    """Return Keras's helpers of tests, on localnet's layers."""
    name = f"{PEER}_test_utils"
    if name not in sys.modules:
        module = translated(Path(real_test_utils.__file__), name)
        module.should_run_eagerly = lambda: False
        module.get_model_type = lambda: "functional"
        module.run_v2_only = lambda func=None, **_: func or (lambda inner: inner)
    return sys.modules[name]


def signature(self, spec):
    """Return shape and dtype of the output, as Keras's helpers ask layers for them."""
    shape = self.compute_output_shape(tuple(spec.shape))
    return types.SimpleNamespace(shape=shape, dtype=self.dtype.name)


def evaluated(self, tensors):
    """Return numbers of whatever holds some; arrays are their own."""
    return tf.nest.map_structure(
        lambda x: x.numpy() if hasattr(x, "numpy") else np.asarray(x), tensors
    )


def same_items(self, first, second, msg=None):
    """Compare lists; shapes are tuples here."""
    assert list(first) == list(second), msg


def outcome(test):
    """Run one test; return its kind, and what it said."""
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with redirect_stdout(io.StringIO()):
            test.run(result)
    if result.skipped:
        reason = result.skipped[0][1]
        return ("missing" if reason.startswith("missing") else "skipped"), reason
    trouble = result.errors + result.failures
    if not trouble:
        return "passed", ""
    text = trouble[0][1]
    last = text.strip().splitlines()[-1]
    for what, words in ABSENT.items():
        if re.search(words, last):
            return "missing", f"missing {what}"
    if "SkipTest: missing" in text:
        return "missing", text.split("SkipTest: ")[1].splitlines()[0]
    if "does not match" in last or "not found in" in last:
        return "other words", last
    return "to look at", last


def run_file(path, show):
    """Return how many tests of a file end in which way."""
    counts, missing = Counter(), Counter()
    try:
        module = translated(path, f"{PEER}_{path.stem}")
    except (unittest.SkipTest, Exception) as error:  # a file that cannot begin
        return Counter({"not read": 1}), Counter(
            {f"{type(error).__name__}: {error}": 1}
        )
    localnet.config.set_floatx("float32")
    for suite in unittest.TestLoader().loadTestsFromModule(module):
        for test in suite:
            # Modes of running, and kinds of models, are one here.
            if test.id().endswith(("test_session", "_mode_graph", "v1_session")):
                continue
            kind, said = outcome(test)
            counts[kind] += 1
            if kind == "missing":
                missing[said] += 1
            elif show and kind in ("to look at", "other words"):
                print(f"  {kind}: {test.id().split('.', 1)[1]}: {said[:160]}")
            localnet.config.set_floatx("float32")
            localnet.config.set_image_data_format("channels_last")
    return counts, missing


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="tf_keras of a checkout")
    parser.add_argument("files", nargs="*", default=PARTS, help="names without .py")
    parser.add_argument("--show", action="store_true", help="say what did not pass")
    options = parser.parse_args(arguments)
    sys.meta_path.insert(0, Finder())
    tf.test.TestCase.evaluate = evaluated
    tf.test.TestCase.assertListEqual = same_items
    localnet.layers.Layer.compute_output_signature = signature
    total, lacking = Counter(), Counter()
    for name in options.files:
        for path in sorted(options.folder.rglob(f"{name}.py")):
            counts, missing = run_file(path, options.show)
            total += counts
            lacking += missing
            found = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
            print(f"{path.relative_to(options.folder)}: {found}", flush=True)
    print("all:", ", ".join(f"{n} {kind}" for kind, n in sorted(total.items())))
    for name, number in lacking.most_common():
        print(f"  {number:4} {name[:150]}")


if __name__ == "__main__":
    main(sys.argv[1:])
