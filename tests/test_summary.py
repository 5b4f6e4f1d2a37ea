"""The table of a model, letter by letter."""

import pytest
from raising import refuses

from localnet import Input, Model, Sequential
from localnet.layers import (
    Dense,
    Dropout,
    Flatten,
    InputLayer,
    LocallyConnected2D,
    add,
)

GOLDEN = """\
Model: "page"
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
    assert printed == GOLDEN.splitlines()


SHORT = """\
Model: "m"
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


@pytest.mark.parametrize(
    ("layout", "ends", "length"),
    [
        # As tf_keras lays out its own table.
        ({"line_length": 100}, (45, 85), 100),
        ({"line_length": 90, "positions": [0.5, 0.8, 1.0]}, (45, 72), 90),
        ({"positions": [30, 50, 80]}, (30, 50), 80),
        ({"positions": [0.5, 0.9, 1.0, 1.0]}, (32, 58), 67),
        # No cell is broken.
        ({"line_length": 10}, (14, 28), 37),
    ],
)
def test_columns_end_where_they_are_told_to(layout, ends, length):
    lines = []
    model = Sequential([Dense(1, input_shape=(2,), name="top")], name="m")
    model.summary(print_fn=lines.append, **layout)
    assert lines[1] == "_" * length
    header, row = lines[2], lines[4]
    for line, words in ((header, ("Output", "Param")), (row, ("(None", "3"))):
        assert tuple(map(line.index, words)) == ends


def test_columns_of_a_graph_end_where_they_are_told_to():
    lines, x = [], Input((2,), name="x")
    model = Model(x, add([Dense(2, name="d")(x), x]))
    model.summary(100, [0.3, 0.6, 0.7, 1.0], lines.append)
    assert lines[1] == "_" * 100
    assert [lines[2].index(word) for word in ("Output", "Param", "Conn")] == [
        30,
        60,
        70,
    ]


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        ({"line_length": 0}, "line_length must be an integer >= 1, got 0"),
        ({"line_length": 2**62}, f"line_length must be <= 1000000, got {2**62}"),
        (
            {"positions": [1, 2, 1e9]},
            "positions must be 3 rising numbers, got [1, 2, 1000000000.0]",
        ),
        (
            {"print_fn": 3},
            "print_fn must take (line), got 3: 3 is not a callable object",
        ),
        ({"expand_nested": "no"}, "expand_nested must be True or False, got 'no'"),
        ({"show_trainable": 2}, "show_trainable must be True or False, got 2"),
        (
            {"layer_range": ["a"]},
            "layer_range must be a list of two names of layers, got ['a']",
        ),
        (
            {"layer_range": 3},
            "layer_range must be a list of two names of layers, got 3",
        ),
        (
            {"layer_range": ["top", "down"]},
            "layer_range must hold names of layers, ['top'], got ['top', 'down']",
        ),
        (
            {"layer_range": ["(", "top"]},
            "layer_range must hold names or regular expressions, got ['(', 'top']: "
            "missing ), unterminated subpattern at position 0",
        ),
        ({"line_length": "wide"}, "line_length must be an integer >= 1, got 'wide'"),
        ({"positions": [0.5]}, "positions must be 3 rising numbers, got [0.5]"),
        ({"positions": 3}, "positions must be 3 rising numbers, got 3"),
        (
            {"positions": [9, 5, 70]},
            "positions must be 3 rising numbers, got [9, 5, 70]",
        ),
    ],
)
def test_a_layout_that_cannot_be(layout, sentence):
    model = Sequential([Dense(1, input_shape=(2,), name="top")], name="m")
    with refuses(sentence):
        model.summary(**layout)


NESTED = """\
i (InputLayer)               [(None, 4)]               0                       Y
add (Add)                    (None, 4)                 0         i[0][0]       Y
                                                                 i[0][0]
outer (Sequential)           (None, 2)                 41        add[0][0]     Y
| inner (Sequential)         (None, 4)                 31                      Y
| | a (Dense)                (None, 3)                 15                      N
| | b (Dense)                (None, 4)                 16                      Y
| c (Dense)                  (None, 2)                 10                      Y"""


def test_models_in_a_model_and_what_is_trainable():
    a = Dense(3, input_shape=(4,), name="a", trainable=False)
    inner = Sequential([a, Dense(4, name="b")], name="inner")
    outer = Sequential([inner, Dense(2, name="c")], name="outer")
    x, lines = Input((4,), name="i"), []
    model = Model(x, outer(add([x, x], name="add")), name="m")
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    assert lines[2].split()[-3:] == ["Connected", "to", "Trainable"]
    assert lines[4:-5] == NESTED.splitlines()


@pytest.mark.parametrize(
    ("layer_range", "listed"),
    [
        (["b", "c"], ["b", "c"]),
        (["c", "b"], ["b", "c"]),
        (["a", "a"], ["a", "ab"]),
        (["a$", "a$"], ["a"]),
        (["b", "a"], ["a", "ab", "b"]),
    ],
)
def test_a_range_of_layers_is_listed(layer_range, listed):
    names, lines = ("a", "ab", "b", "c"), []
    model = Sequential([Dense(1, name=name) for name in names])
    model.build((None, 2))
    model.summary(print_fn=lines.append, layer_range=layer_range)
    assert [line.split()[0] for line in lines[4:-5]] == listed
    assert lines[-4] == "Total params: 9 (36.00 Byte)"


def test_input_layer_is_not_listed():
    model = Sequential([InputLayer((2,), name="in"), Dropout(0.5, name="drop")])
    lines = []
    model.summary(print_fn=lines.append)
    assert not any("in (InputLayer)" in line for line in lines)
    assert any("drop (Dropout)" in line for line in lines)


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
    assert f"Total params: {units * 3} ({size})" in lines


def test_a_chain_of_handles_shows_no_connections():
    x = Input((2,), name="x")
    lines = []
    Model(x, Dense(1, name="top")(x), name="m").summary(print_fn=lines.append)
    assert lines[0] == 'Model: "m"'
    assert lines[2].split() == ["Layer", "(type)", "Output", "Shape", "Param", "#"]
    assert lines[4].split() == ["x", "(InputLayer)", "[(None,", "2)]", "0"]
    shared = Dense(2)
    lines.clear()
    Model(x, shared(shared(x))).summary(print_fn=lines.append)
    assert "Connected to" in lines[2]
