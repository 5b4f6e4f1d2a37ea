"""The table of a model, letter by letter."""

import pytest

from localnet import Sequential
from localnet.layers import Dense, Dropout, Flatten, InputLayer, LocallyConnected2D

GOLDEN = """\
Model: "page" (Sequential)
___________________________________________________________________________
Layer (type)                           Output Shape              Param #
===========================================================================
one (LocallyConnected2D)               (None, 30, 30, 64)        1612800
two (LocallyConnected2D)               (None, 28, 28, 32)        14475776
flat (Flatten)                         (None, 25088)             0
a_name_that_is_longer_than_29 (Dense)  (None, 2)                 50178
===========================================================================
Total params: 16138754 (61.56 MB)
Trainable params: 14525954 (55.41 MB)
Non-trainable params: 1612800 (6.15 MB)
___________________________________________________________________________"""


def page_model():
    return Sequential(
        [
            LocallyConnected2D(
                64, 3, input_shape=(32, 32, 3), name="one", trainable=False
            ),
            LocallyConnected2D(32, 3, name="two"),
            Flatten(name="flat"),
            Dense(2, name="a_name_that_is_longer_than_29"),
        ],
        name="page",
    )


def test_summary_of_the_page_example():
    printed = []
    page_model().summary(print_fn=printed.append)
    assert printed == [GOLDEN]


SHORT = """\
Model: "m" (Sequential)
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
top (Dense)                  (None, 1)                 3
=================================================================
Total params: 3 (12.00 Byte)
Trainable params: 3 (12.00 Byte)
Non-trainable params: 0 (0.00 Byte)
_________________________________________________________________
"""


def test_short_names_keep_the_columns_of_keras(capsys):
    model = Sequential([Dense(1, input_shape=(2,), name="top")], name="m")
    model.summary()
    assert capsys.readouterr().out == SHORT


def test_input_layer_is_not_listed():
    model = Sequential([InputLayer((2,), name="in"), Dropout(0.5, name="drop")])
    lines = []
    model.summary(print_fn=lines.append)
    assert "in (InputLayer)" not in lines[0]
    assert "drop (Dropout)" in lines[0]


@pytest.mark.parametrize(
    ("units", "dtype", "size"),
    [
        (1, "float16", "6.00 Byte"),
        (100, "float64", "2.34 KB"),
        (350_000, "float32", "4.01 MB"),
    ],
)
def test_sizes_follow_the_type_of_the_weights(units, dtype, size):
    model = Sequential([Dense(units, dtype=dtype, input_shape=(2,))])
    lines = []
    model.summary(print_fn=lines.append)
    assert f"Total params: {units * 3} ({size})" in lines[0]
