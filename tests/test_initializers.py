import json
import math

import numpy as np
import pytest
import reference
from raising import refuses

from localnet import config, initializers
from localnet._registry import custom_object_scope
from localnet.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    compute_fans,
)

CONFIGS = {
    Constant: {"value": 0},
    GlorotNormal: {"seed": None},
    GlorotUniform: {"seed": None},
    HeNormal: {"seed": None},
    HeUniform: {"seed": None},
    Identity: {"gain": 1.0},
    LecunNormal: {"seed": None},
    LecunUniform: {"seed": None},
    Ones: {},
    Orthogonal: {"gain": 1.0, "seed": None},
    RandomNormal: {"mean": 0.0, "stddev": 0.05, "seed": None},
    RandomUniform: {"minval": -0.05, "maxval": 0.05, "seed": None},
    TruncatedNormal: {"mean": 0.0, "stddev": 0.05, "seed": None},
    VarianceScaling: {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
    },
    Zeros: {},
}
SNAKE_NAMES = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "zeros": Zeros,
}
OTHER_NAMES = {
    "zero": Zeros,
    "one": Ones,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "glorot_normalV2": GlorotNormal,
    "glorot_uniformV2": GlorotUniform,
    "he_normalV2": HeNormal,
    "he_uniformV2": HeUniform,
    "lecun_normalV2": LecunNormal,
    "lecun_uniformV2": LecunUniform,
}
NAMES = {
    **{cls.__name__: cls for cls in CONFIGS},
    **{f"{cls.__name__}V2": cls for cls in CONFIGS},
    **SNAKE_NAMES,
    **OTHER_NAMES,
}
SEEDED = [cls for cls, arguments in CONFIGS.items() if "seed" in arguments]
FLOATS = ["float16", "float32", "float64"]
FANS = [case for case, _ in reference.cases("fans.npz")]


def shape_id(case):
    return "x".join(map(str, case["shape"])) or "scalar"


def name_of(cls):
    return cls.__name__


class TestFans:
    @pytest.mark.parametrize("case", FANS, ids=shape_id)
    def test_keras(self, case):
        assert compute_fans(case["shape"]) == (case["fan_in"], case["fan_out"])

    def test_locations_are_counted(self):
        assert compute_fans((9, 12, 2)) == (9 * 12, 9 * 2)

    def test_empty(self):
        assert compute_fans((0, 3, 2)) == (0, 0)

    @pytest.mark.parametrize("shape", [(2, -1), (2.0, 3), 5, None, "ab"], ids=repr)
    def test_bad_shape(self, shape):
        with refuses(f"shape must be a tuple of integers >= 0, got {shape!r}"):
            compute_fans(shape)


class TestSpread:
    """The numbers of Keras, met through a plain distribution with the same seed."""

    @pytest.mark.parametrize("case", FANS, ids=shape_id)
    @pytest.mark.parametrize(
        ("cls", "key"),
        [
            (GlorotUniform, "glorot_uniform_limit"),
            (HeUniform, "he_uniform_limit"),
            (LecunUniform, "lecun_uniform_limit"),
        ],
    )
    def test_uniform_limit(self, case, cls, key):
        fans = (case["fan_in"], case["fan_out"])
        np.testing.assert_allclose(
            cls(seed=3)((64,), "float64", fans=fans),
            RandomUniform(-case[key], case[key], seed=3)((64,), "float64"),
            rtol=1e-12,
        )

    @pytest.mark.parametrize("case", FANS, ids=shape_id)
    def test_glorot_normal_truncation(self, case):
        fans = (case["fan_in"], case["fan_out"])
        stddev = case["glorot_normal_truncation"] / 2
        np.testing.assert_allclose(
            GlorotNormal(seed=3)((64,), "float64", fans=fans),
            TruncatedNormal(stddev=stddev, seed=3)((64,), "float64"),
            rtol=1e-12,
        )

    @pytest.mark.parametrize("case", FANS, ids=shape_id)
    @pytest.mark.parametrize(
        ("cls", "key"),
        [
            (GlorotNormal, "glorot_normal_std"),
            (HeNormal, "he_normal_std"),
            (LecunNormal, "lecun_normal_std"),
        ],
    )
    def test_normal_stddev(self, case, cls, key):
        fans = (case["fan_in"], case["fan_out"])
        ours = cls(seed=3)
        np.testing.assert_allclose(
            ours((64,), "float64", fans=fans),
            TruncatedNormal(0, case[key] / 0.87962566103423978, 3)((64,), "float64"),
            rtol=1e-12,
        )
        uncut = VarianceScaling(ours.scale, ours.mode, "untruncated_normal", seed=3)
        np.testing.assert_allclose(
            uncut((64,), "float64", fans=fans),
            RandomNormal(0, case[key], seed=3)((64,), "float64"),
            rtol=1e-12,
        )

    @pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
    @pytest.mark.parametrize("shape", [(6, 8, 3), (5, 7), (7,), ()], ids=str)
    def test_fans_default_to_the_shape(self, mode, shape):
        i = VarianceScaling(2.0, mode, "uniform", seed=3)
        assert np.array_equal(i(shape), i(shape, fans=compute_fans(shape)))

    @pytest.mark.parametrize(
        ("mode", "n"), [("fan_in", 100), ("fan_out", 4), ("fan_avg", 52)]
    )
    def test_mode(self, mode, n):
        limit = math.sqrt(3 * 0.5 / n)
        np.testing.assert_allclose(
            VarianceScaling(0.5, mode, "uniform", 3)((64,), "f8", fans=(100, 4)),
            RandomUniform(-limit, limit, seed=3)((64,), "f8"),
            rtol=1e-12,
        )

    def test_fans_of_zero_count_as_one(self):
        i = GlorotUniform(seed=3)
        assert np.array_equal(i((8,), fans=(0, 0)), i((8,), fans=(1, 1)))

    @pytest.mark.parametrize(
        ("initializer", "mean", "std", "kurtosis"),
        [
            (RandomNormal(0.3, 2.0, seed=5), 0.3, 2.0, 3.0),
            (RandomUniform(-1.0, 3.0, seed=5), 1.0, 4 / math.sqrt(12), 1.8),
            (TruncatedNormal(0.3, 2.0, seed=5), 0.3, 2.0 * 0.8796256610342398, 3.0),
            (GlorotNormal(seed=5), 0.0, math.sqrt(1 / 400), 3.0),
            (GlorotUniform(seed=5), 0.0, math.sqrt(1 / 400), 1.8),
            (HeNormal(seed=5), 0.0, math.sqrt(2 / 400), 3.0),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_statistics(self, initializer, mean, std, kurtosis, dtype):
        draws = initializer((400, 400), dtype).astype("float64")
        n = draws.size
        # Five standard errors of the sample mean and of the sample deviation.
        assert abs(draws.mean() - mean) < 5 * std / math.sqrt(n)
        assert abs(draws.std() - std) < 5 * std * math.sqrt((kurtosis - 1) / (4 * n))

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_truncation(self, dtype):
        draws = TruncatedNormal(stddev=1.0, seed=5)((100_000,), dtype)
        assert 1.99 < abs(draws).max() <= 2

    def test_truncated_draws_keep_their_shape_below_the_cut(self):
        edges = np.linspace(-2, 2, 9)
        cdf = np.array([0.5 * (1 + math.erf(e / math.sqrt(2))) for e in edges])
        p = np.diff(cdf) / (cdf[-1] - cdf[0])
        n = 200_000
        counts, _ = np.histogram(TruncatedNormal(0, 1, seed=5)((n,), "f8"), edges)
        assert counts.sum() == n
        assert np.all(abs(counts - n * p) < 5 * np.sqrt(n * p * (1 - p)))


class TestOrthogonal:
    @pytest.mark.parametrize(
        "shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4), (3, 2, 12), (1, 1)], ids=str
    )
    @pytest.mark.parametrize("gain", [1.0, -2.5])
    def test_orthonormal(self, shape, gain):
        w = Orthogonal(gain, seed=1)(shape, "float64").reshape(-1, shape[-1])
        if w.shape[0] < w.shape[1]:
            w = w.T
        np.testing.assert_allclose(
            w.T @ w, gain**2 * np.eye(w.shape[1]), rtol=0, atol=1e-12
        )

    @pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-6), ("float16", 5e-3)])
    def test_low_precision(self, dtype, atol):
        w = Orthogonal(seed=1)((20, 8), dtype).astype("float64")
        np.testing.assert_allclose(w.T @ w, np.eye(8), rtol=0, atol=atol)

    @pytest.mark.parametrize("shape", [(6, 4), (4, 6)], ids=str)
    def test_diagonal_of_r_is_positive(self, shape):
        w = Orthogonal(seed=1)(shape, "float64")
        q = w if shape[0] > shape[1] else w.T
        r = q.T @ np.random.default_rng(1).standard_normal((6, 4))
        np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-12)
        assert np.all(np.diagonal(r) > 0)

    @pytest.mark.parametrize("shape", [(), (3,)], ids=str)
    def test_rank(self, shape):
        with refuses(f"shape must have rank 2 or more, got {shape}"):
            Orthogonal()(shape)


class TestFixed:
    def test_values(self):
        assert np.array_equal(Zeros()((2, 3)), [[0, 0, 0], [0, 0, 0]])
        assert np.array_equal(Ones()((2, 3)), [[1, 1, 1], [1, 1, 1]])
        assert np.array_equal(Constant(-1.5)((2,)), [-1.5, -1.5])
        assert np.array_equal(Identity(3)((3, 2)), [[3, 0], [0, 3], [0, 0]])

    @pytest.mark.parametrize(
        ("value", "shape", "expected"),
        [
            ([1, 2, 3, 4, 5, 6], (2, 3), [[1, 2, 3], [4, 5, 6]]),
            (np.arange(6).reshape(3, 2), (2, 3), [[0, 1, 2], [3, 4, 5]]),
            ([7], (2, 2), [[7, 7], [7, 7]]),
            (7, (), 7),
            ([], (0, 2), np.empty((0, 2))),
        ],
        ids=["list", "array", "one-element", "scalar", "empty"],
    )
    def test_constant_array(self, value, shape, expected):
        out = Constant(value)(shape, "float64")
        assert out.shape == shape
        assert np.array_equal(out, expected)

    def test_constant_keeps_its_own_copy(self):
        value = np.array([1.0, 2.0])
        constant = Constant(value)
        value[0] = 9
        out = constant((2,))
        out[1] = 9
        assert np.array_equal(constant((2,)), [1, 2])

    def test_constant_of_another_size(self):
        with refuses("value must hold 1 or 6 numbers for shape (2, 3), got 4"):
            Constant([1, 2, 3, 4])((2, 3))

    def test_constant_without_numbers(self):
        with refuses("value must hold numbers, got dtype <U1"):
            Constant("a")

    @pytest.mark.parametrize("shape", [(3,), (2, 2, 2)], ids=str)
    def test_identity_rank(self, shape):
        with refuses(f"shape must have rank 2, got {shape}"):
            Identity()(shape)


@pytest.mark.parametrize("cls", CONFIGS, ids=name_of)
class TestEvery:
    @pytest.mark.parametrize("dtype", FLOATS)
    @pytest.mark.parametrize("shape", [(4, 3), (3, 4), (0, 3)], ids=str)
    def test_shape_and_dtype(self, cls, shape, dtype, rng):
        w = cls()(shape, dtype, rng=rng)
        assert (w.shape, w.dtype) == (shape, np.dtype(dtype))
        assert w.flags.c_contiguous
        assert w.flags.writeable

    def test_default_dtype_is_floatx(self, cls, rng):
        assert cls()((4, 3), rng=rng).dtype == np.float32
        config.set_floatx("float64")
        assert cls()((4, 3), rng=rng).dtype == np.float64

    def test_shape_may_be_a_list(self, cls, rng):
        assert cls()([4, np.int64(3)], rng=rng).shape == (4, 3)

    @pytest.mark.parametrize("shape", [(2, -1), (2.0, 3), 5, None], ids=repr)
    def test_bad_shape(self, cls, shape):
        with refuses(f"shape must be a tuple of integers >= 0, got {shape!r}"):
            cls()(shape)

    @pytest.mark.parametrize("dtype", ["int32", "complex64", "foo"])
    def test_bad_dtype(self, cls, dtype):
        with pytest.raises(ValueError, match=r"^dtype must be one of 'float16', ") as e:
            cls()((4, 3), dtype)
        assert f", got {dtype!r}" in e.value.args[0]
        assert len(e.value.args) == 1

    def test_config(self, cls):
        assert list(cls().get_config().items()) == list(CONFIGS[cls].items())

    def test_serialize(self, cls):
        assert initializers.serialize(cls()) == {
            "module": "keras.initializers",
            "class_name": cls.__name__,
            "config": CONFIGS[cls],
            "registered_name": None,
        }

    def test_dtype_in_an_old_config_is_left_out(self, cls):
        old = {**CONFIGS[cls], "dtype": "float32"}
        assert cls.from_config(old).get_config() == CONFIGS[cls]

    def test_repr(self, cls):
        arguments = ", ".join(f"{k}={v!r}" for k, v in CONFIGS[cls].items())
        assert repr(cls()) == f"{cls.__name__}({arguments})"


@pytest.mark.parametrize("cls", SEEDED, ids=name_of)
class TestSeeds:
    def test_a_seed_repeats_in_silence(self, cls):
        i = cls(seed=7)
        first = i((4, 3))
        assert np.array_equal(first, i((4, 3)))
        assert np.array_equal(first, cls(seed=7)((4, 3)))
        assert not np.array_equal(first, cls(seed=8)((4, 3)))

    def test_a_seed_wins_over_rng(self, cls, rng):
        before = rng.bit_generator.state
        assert np.array_equal(cls(seed=7)((4, 3), rng=rng), cls(seed=7)((4, 3)))
        assert rng.bit_generator.state == before

    def test_rng_gives_fresh_draws(self, cls):
        i, a, b = cls(), np.random.default_rng(7), np.random.default_rng(7)
        first, second = i((4, 3), rng=a), i((4, 3), rng=a)
        assert not np.array_equal(first, second)
        assert np.array_equal(first, i((4, 3), rng=b))

    def test_without_a_seed_it_repeats_and_warns(self, cls):
        i = cls()
        first = i((4, 3))
        sentence = (
            f"{cls.__name__} has no seed and was called before: it repeats its values; "
            "give it a seed or make one initializer for each weight"
        )
        with pytest.warns(UserWarning, match=f"^{sentence}$") as record:
            second = i((4, 3))
        assert record[0].filename == __file__
        assert np.array_equal(first, second)
        assert not np.array_equal(first, cls()((4, 3)))

    def test_seed_sequence(self, cls):
        i = cls(seed=np.random.SeedSequence(7))
        assert i.seed == cls(seed=np.random.SeedSequence(7)).seed
        restored = cls.from_config(json.loads(json.dumps(i.get_config())))
        assert np.array_equal(i((4, 3)), restored((4, 3)))
        seeds = {cls(seed=child).seed for child in np.random.SeedSequence(7).spawn(20)}
        assert len(seeds) == 20
        assert max(seeds) < 2**63

    def test_config_reproduces_the_draws(self, cls):
        i = cls(seed=7)
        again = initializers.deserialize(
            json.loads(json.dumps(initializers.serialize(i)))
        )
        assert type(again) is cls
        assert np.array_equal(i((4, 3)), again((4, 3)))

    @pytest.mark.parametrize("seed", [-1, 1.5, "1", np.random.default_rng(1)], ids=str)
    def test_bad_seed(self, cls, seed):
        with refuses(
            f"seed must be None, an integer >= 0 or a SeedSequence, got {seed!r}"
        ):
            cls(seed=seed)

    def test_bad_rng(self, cls):
        with refuses("rng must be a numpy.random.Generator, got 3"):
            cls()((4, 3), rng=3)

    @pytest.mark.parametrize("arguments", [((-1,),), ((4, 3), "int8")], ids=str)
    def test_a_failed_call_draws_nothing(self, cls, arguments, rng):
        before = rng.bit_generator.state
        with pytest.raises(ValueError, match=r"^(shape|dtype) must be "):
            cls()(*arguments, rng=rng)
        assert rng.bit_generator.state == before


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_get(self, name):
        found = initializers.get(name)
        assert type(found) is NAMES[name]
        assert found.get_config() == CONFIGS[NAMES[name]]

    def test_there_are_no_other_names(self):
        assert set(initializers._registry.factories) == set(NAMES)

    @pytest.mark.parametrize(
        "name", ["Glorot_Uniform", "ZEROS", "glorotuniform", "foo"]
    )
    def test_unknown(self, name):
        with pytest.raises(
            ValueError, match=r"^initializer must be a known name, got "
        ):
            initializers.get(name)

    def test_none(self):
        assert initializers.get(None) is None
        assert initializers.serialize(None) is None

    def test_class_and_callable(self):
        def sevens(shape, dtype=None, *, rng=None):
            return np.full(shape, 7.0, dtype)

        assert type(initializers.get(HeNormal)) is HeNormal
        assert initializers.get(sevens) is sevens
        assert initializers.serialize(sevens) == "sevens"
        with custom_object_scope({"sevens": sevens}):
            assert initializers.get("sevens") is sevens

    def test_not_an_identifier(self):
        with refuses("initializer must be a name, a config or a callable, got 3"):
            initializers.get(3)

    def test_old_style_dict(self):
        old = {
            "class_name": "VarianceScaling",
            "config": {
                "scale": 1,
                "mode": "fan_avg",
                "distribution": "normal",
                "seed": None,
            },
        }
        assert initializers.get(old).get_config() == {
            "scale": 1.0,
            "mode": "fan_avg",
            "distribution": "truncated_normal",
            "seed": None,
        }

    def test_config_that_does_not_fit(self):
        with pytest.raises(
            ValueError, match=r"^initializer config must fit Zeros, got {'foo': 1}: "
        ) as exc:
            initializers.get({"class_name": "Zeros", "config": {"foo": 1}})
        assert len(exc.value.args) == 1

    def test_subclass_of_the_user(self):
        class Ramp(initializers.Initializer):
            def __init__(self, step=1.0):
                self.step = step

            def __call__(self, shape, dtype=None, *, rng=None):
                return self.step * np.arange(math.prod(shape)).reshape(shape)

        config = initializers.serialize(Ramp(0.5))
        again = initializers.deserialize(config, custom_objects={"Ramp": Ramp})
        assert np.array_equal(again((3,)), [0, 0.5, 1])

    def test_subclass_of_the_user_that_only_draws(self, rng):
        class Note(initializers.Initializer):
            def _draw(self, shape, dtype, rng):
                return shape, dtype, rng

        assert Note()([2, np.int8(3)], "d", rng=rng) == ((2, 3), np.dtype("f8"), rng)
        assert Note()(()) == ((), np.dtype("f4"), None)

    def test_subclass_of_the_user_that_does_neither(self):
        class Lazy(initializers.Initializer):
            pass

        sentence = "Lazy must have a method _draw or __call__"
        with pytest.raises(NotImplementedError, match=f"^{sentence}$"):
            Lazy()((2,))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: VarianceScaling(scale=0),
            "scale must be a finite number > 0, got 0",
        ),
        (
            lambda: VarianceScaling(scale=-1.0),
            "scale must be a finite number > 0, got -1.0",
        ),
        (
            lambda: VarianceScaling(mode="fans"),
            "mode must be one of 'fan_in', 'fan_out', 'fan_avg', got 'fans'; "
            "did you mean 'fan_in'?",
        ),
        (
            lambda: VarianceScaling(distribution="cauchy"),
            "distribution must be one of 'truncated_normal', 'untruncated_normal', "
            "'uniform', 'normal', got 'cauchy'",
        ),
        (
            lambda: GlorotUniform()((2, 2), fans=(3,)),
            "fans must be an integer or a tuple of 2 integers >= 0, got (3,)",
        ),
        (
            lambda: RandomNormal(stddev=-0.1),
            "stddev must be a finite number >= 0, got -0.1",
        ),
        (
            lambda: TruncatedNormal(mean=np.nan),
            "mean must be a finite number, got nan",
        ),
        (
            lambda: RandomUniform(minval="a"),
            "minval must be a finite number, got 'a'",
        ),
        (
            lambda: RandomUniform(maxval=np.inf),
            "maxval must be a finite number, got inf",
        ),
        (lambda: Identity(gain=None), "gain must be a finite number, got None"),
        (lambda: Orthogonal(gain="1"), "gain must be a finite number, got '1'"),
    ],
)
def test_bad_arguments(call, sentence):
    with refuses(sentence):
        call()
