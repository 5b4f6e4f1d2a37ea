"""The networks of 1989, one change at a time: each change is the one that it says."""

import numpy as np
import pytest

from localnet import layers, optimizers
from localnet.datasets import make_shifted_digits
from localnet.reproduce import EXPERIMENTS, run
from localnet.reproduce.lecun_later import CHANGES, _changed, _shifted, _targets

LATER = EXPERIMENTS["lecun-later"]
LECUN = EXPERIMENTS["lecun1989"]


@pytest.mark.parametrize("net", LATER.nets, ids=lambda net: net.name)
def test_nothing_changed_is_the_network_of_1989(net):
    same, old = _changed(net, "none", 4), LECUN.net(net.name).make(4)
    assert [type(a) for a in same.layers] == [type(b) for b in old.layers]
    for a, b in zip(same.get_weights(), old.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert type(same.optimizer) is optimizers.Adam


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_the_one_it_says(change):
    model = _changed(LATER.net("Net-5"), change, 0)
    everything = change == "all"
    is_dropped = any(isinstance(layer, layers.Dropout) for layer in model.layers)
    assert is_dropped is (change == "dropout" or everything)
    decays = isinstance(model.optimizer, optimizers.AdamW)
    assert decays is (change == "decay" or everything)
    x = make_shifted_digits("drawings", seed=0)[1].x[:20]
    sums = model.predict(x, verbose=0).sum(axis=1)
    assert np.allclose(sums, 1) is (change == "loss" or everything)
    targets = _targets(np.array([3]), change)
    assert targets.min() == (0 if change == "loss" or everything else -1)
    assert model.count_params() == 1060


def test_shifts_move_by_a_pixel_and_fill_with_paper():
    images = np.full((300, 16, 16, 1), -1.0)
    images[:, 8, 8] = 1.0
    moved = _shifted(images, np.random.default_rng(0))
    assert moved.shape == images.shape
    places = {tuple(np.argwhere(image[..., 0] > 0)[0]) for image in moved}
    assert places == {(i, j) for i in (7, 8, 9) for j in (7, 8, 9)}
    assert (moved == -1).sum() == images.size - 300


def test_a_short_run_is_the_same_again_and_prints():
    found = [
        run(LATER, seeds=[2], epochs=1, jobs=jobs, verbose=False) for jobs in (1, 2)
    ]
    assert found[0].values == found[1].values
    table = LATER.table(found[0])
    assert "nan" not in table
    assert table.count("\n") == 2 * len(CHANGES) + 3


def test_what_comes_with_localnet_has_all_trials():
    published = LATER.published()
    assert set(published.values) == set(LATER.trials(range(LATER.seeds)))
    assert published.epochs == LATER.epochs
