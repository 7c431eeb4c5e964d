import errno
import json
import os
import pickle
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

from skgex._utils import _encoding
from skgex._utils._archive import read_archive, read_document, write_archive
from skgex.persistence import describe, load, save

rng = np.random.default_rng(0)
GENES = ["GAPDH", "TP53", "α-gene", "203409_at", "MYC"]
X = pd.DataFrame(rng.normal(size=(30, 5)), columns=GENES)
Y = X.to_numpy() @ rng.normal(size=(5, 7)) + rng.normal(size=(30, 7))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skgex"


def round_trip(estimator, path):
    save(estimator, path)
    return load(path)


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(alpha=np.float64(0.1)),
        LinearRegression(),
        KNeighborsRegressor(3, algorithm="brute"),
        make_pipeline(StandardScaler(), Ridge(alpha=np.arange(1.0, 8.0))),
        make_pipeline(FunctionTransformer(np.arcsinh), PCA(2, random_state=0), Ridge()),
        make_pipeline(
            ColumnTransformer([("some", StandardScaler(), slice(0, 3)), ("rest", "drop", [3, 4])]),
            TransformedTargetRegressor(Ridge(), transformer=QuantileTransformer(n_quantiles=10)),
        ),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_predictions_are_bit_identical(estimator, path):
    estimator = clone(estimator).fit(X, Y)
    loaded = round_trip(estimator, path)
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X), strict=True)
    assert repr(loaded) == repr(estimator)
    clone(loaded).fit(X, Y)


def test_gene_names_are_kept_and_checked(path):
    loaded = round_trip(make_pipeline(StandardScaler(), Ridge()).fit(X, Y), path)
    assert loaded.feature_names_in_.dtype == object
    assert list(loaded.feature_names_in_) == GENES
    with pytest.raises(ValueError, match="same order"):
        loaded.predict(X[GENES[::-1]])


def test_unfitted_estimator(path):
    loaded = round_trip(Pipeline([("scale", None), ("fit", Ridge(random_state=3))]), path)
    assert loaded.get_params()["fit__random_state"] == 3
    assert not hasattr(loaded["fit"], "coef_")


VALUES = [
    None,
    True,
    -3,
    0.1,
    float("inf"),
    "α\0\ud800",
    (1, [2, (3,)], ()),
    {"a": {1: (2,)}, 3: None, "a.b": np.ones(2)},
    slice(1, None, 2),
    Path("some") / "folder",
    np.float32(0.1),
    np.bool_(True),
    np.int8(-4),
    np.str_("gene"),
    np.float16,
    np.dtype("int32"),
    np.log1p,
    np.array(["a", "longer"]),
    np.array([["a", None], [1.5, ("x",)]], dtype=object),
    np.array([], dtype=object).reshape(0, 3),
    np.array(2.5, dtype=np.float16),
    np.asfortranarray(np.ones((2, 3))),
    np.array([[True], [False]]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:25].replace("\n", ""))
def test_kinds_of_attributes(path, value):
    estimator = Ridge()
    estimator.value_ = value
    loaded = round_trip(estimator, path).value_
    assert type(loaded) is type(value)
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(loaded, value, strict=True)
        assert loaded.flags.f_contiguous == value.flags.f_contiguous
    elif isinstance(value, dict):
        np.testing.assert_array_equal(loaded.pop("a.b"), np.ones(2))
        assert loaded == {"a": {1: (2,)}, 3: None}
    else:
        assert loaded == value


def test_paths_that_look_alike_are_kept_apart(path):
    estimator = Ridge()
    estimator.value_ = {"a.b": np.zeros(1), "a": {"b": np.ones(1)}}
    value = round_trip(estimator, path).value_
    assert value["a.b"] == 0 and value["a"]["b"] == 1


def test_metadata_requests(path):
    with sklearn.config_context(enable_metadata_routing=True):
        ridge = Ridge().set_fit_request(sample_weight="w").set_score_request(sample_weight=False)
        loaded = round_trip(ridge, path)
        assert str(loaded.get_metadata_routing()) == str(ridge.get_metadata_routing())


def test_torch_tensors_and_devices(path):
    estimator = Ridge()
    estimator.tensor_ = torch.arange(6.0).reshape(2, 3).T
    estimator.device_ = torch.device("cuda", 1)
    loaded = round_trip(estimator, path)
    assert torch.equal(loaded.tensor_, estimator.tensor_)
    assert loaded.device_ == torch.device("cuda:1")


def test_equal_estimators_give_equal_bytes(path, tmp_path):
    save(make_pipeline(StandardScaler(), Ridge()).fit(X, Y), path)
    save(make_pipeline(StandardScaler(), Ridge()).fit(X, Y), tmp_path / "other")
    assert path.read_bytes() == (tmp_path / "other").read_bytes()
    save(load(path), tmp_path / "other")
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


def test_describe(path):
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
    pipeline[-1].target_names_ = np.array([f"t{i}" for i in range(7)], dtype=object)
    save(pipeline, path, notes="30 profiles")
    description = describe(path)
    assert description["class"] == "sklearn.pipeline.Pipeline"
    assert description["notes"] == "30 profiles"
    assert description["feature_names"] == GENES
    assert description["target_names"] == [f"t{i}" for i in range(7)]
    assert description["versions"]["scikit-learn"] == sklearn.__version__
    save(Ridge(), path)
    assert describe(path)["feature_names"] is None


def test_torch_is_imported_only_for_modules(path):
    save(make_pipeline(StandardScaler(), Ridge()).fit(X, Y), path)
    code = """if True:
        import sys
        from skgex._utils import _encoding
        from skgex._utils._archive import read_archive
        document, arrays = read_archive(sys.argv[1])
        pipeline = _encoding.Decoder(arrays).decode(document["estimator"])
        _encoding.Encoder().encode(pipeline)
        print(type(pipeline).__name__, "torch" in sys.modules)"""
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert run.stdout == "Pipeline False\n", run.stderr


def test_what_one_process_saves_another_one_loads(path):
    # A name imported from the top is an attribute of the package here, and not yet over there.
    save_it = """if True:
        import sys
        from skgex import RidgeRegressor, save
        save(RidgeRegressor().fit([[0.0], [1.0]], [0.0, 1.0]), sys.argv[1])"""
    load_it = "import sys, skgex; print(type(skgex.load(sys.argv[1])).__name__)"
    for code, printed in ((save_it, ""), (load_it, "RidgeRegressor\n")):
        run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
        assert run.stdout == printed, run.stderr


# -- what cannot be saved --------------------------------------------------------------------
class Foreign(BaseEstimator):
    pass


def holding(value):
    estimator = Ridge()
    estimator.value_ = value
    return estimator


def itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "estimator, match",
    [
        (Foreign(), "'the estimator': a .*Foreign cannot .* estimators of skgex and scikit-learn"),
        (make_pipeline(StandardScaler(), Foreign()), r"'steps.1.1': a .*Foreign cannot"),
        (make_pipeline(FunctionTransformer(lambda x: x)), "'steps.0.1.func': a .*function"),
        (holding({"x": (0, print)}), r"'value_.x.1': .* Use a ufunc of numpy"),
        (Ridge(random_state=np.random.RandomState(0)), "'random_state'.* Pass an integer"),
        (holding(np.ones(2, dtype=complex)), "'value_': a numpy.ndarray cannot"),
        (holding(np.ma.masked_array([1.0])), "'value_': a numpy.ma.*MaskedArray cannot"),
        (holding(np.array([print], dtype=object)), "'value_.0': a builtins"),
        (holding({print: 1}), "'value_': a builtins.dict cannot"),
        (holding(os), "'value_': a builtins.module cannot"),
        (holding(torch.nn.Linear(2, 2)), "'value_': a torch.nn.*Linear cannot"),
        (holding(torch.ones(2, dtype=torch.bfloat16)), "'value_': a torch.Tensor cannot"),
        (holding(itself()), "it holds itself"),
        (GridSearchCV(Ridge(), {"alpha": [1, 2]}).fit(X, Y), "`best_estimator_` of a search"),
        (Ridge, "`estimator` must be an estimator, got ABCMeta"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_cannot_be_saved_is_named(estimator, match, tmp_path):
    with pytest.raises(TypeError, match=match):
        save(estimator, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_notes_are_text(path):
    with pytest.raises(TypeError, match="`notes` must be a str"):
        save(Ridge(), path, notes=3)


def test_caches_are_left_out(path, monkeypatch):
    monkeypatch.setattr(Ridge, "_not_saved", ("cache_",), raising=False)
    estimator = Ridge()
    estimator.cache_ = print
    assert not hasattr(round_trip(estimator, path), "cache_")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_the_old_model(path, monkeypatch, step):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save(Ridge().fit(X, Y), path)
    whole = path.read_bytes()
    with monkeypatch.context() as context:
        context.setattr(os, step, full)
        with pytest.raises(OSError, match=r"Cannot write .*No space left"):
            save(Ridge(3).fit(X, Y), path)
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


# -- what is not loaded ----------------------------------------------------------------------
def rewrite(path, change, **arrays):
    """Alter the document of a model; the checksums are right again."""
    document, old = read_archive(path)
    change(document)
    write_archive(path, document, {**old, **arrays})


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "posix.system",
        "sklearn.utils.os",
        "sklearn.os.system",
        "sklearn.utils.Bunch",
        "sklearn.linear_model.make_pipeline",
        "sklearn.base.BaseEstimators",
        "sklearn.tests.test_base.MyEstimator",
        "sklearn.__main__.Ridge",
        "sklearn..Ridge",
        "sklearn_evil.Ridge",
        "skgex.evil.os.Ridge",
        "skgex.persistence.BaseEstimator",
        "sklearn.linear_model.__class__",
        "torch.nn.Linear",
        "Ridge",
        "",
    ],
)
def test_only_estimators_of_the_packages_are_made(path, name):
    save(Ridge(alpha=1.0), path)
    rewrite(path, lambda document: document["estimator"]["estimator"].update({"class": name}))
    modules = set(sys.modules)
    with pytest.raises(ValueError, match="is not a BaseEstimator class of skgex or sklearn"):
        load(path)
    imported = set(sys.modules) - modules
    assert all(module.startswith(("sklearn", "skgex")) for module in imported)


@pytest.mark.parametrize(
    "update, match",
    [
        ({"params": {"alfa": 1.0}}, "Ridge has no parameter 'alfa'"),
        ({"params": {"self": 1.0}}, "Ridge has no parameter 'self'"),
        ({"params": []}, "unknown kind"),
        ({"state": {"__class__": 1}}, "'__class__' cannot be an attribute"),
        ({"state": {"predict": 1}}, "'predict' cannot be an attribute"),
        ({"state": {"alpha": 1}}, "'alpha' cannot be an attribute"),
        ({"state": {"_repr_html_": 1}}, "'_repr_html_' cannot be an attribute"),
        ({"state": {"coef_": {"array": "absent"}}}, "array 'absent' is missing"),
        ({"state": {"coef_": {"pickle": "gASV"}}}, r"unknown kind: \['pickle'\]"),
        ({"state": {"coef_": {}}}, "unknown kind"),
        ({"state": {"coef_": {"ufunc": "load"}}}, "unknown kind"),
        ({"state": {"coef_": {"type": "object"}}}, "malformed"),
        ({"state": {"coef_": {"scalar": ["int8", 300]}}}, "malformed"),
        ({"state": {"coef_": {"dict": [[[], 1]]}}}, "malformed"),
        ({"state": {"coef_": {"objects": [[10**12], [1]]}}}, "cannot reshape"),
        ({"state": {"coef_": {"strings": [10**9, [1], ["a"]]}}}, "unknown kind"),
        ({"state": {"coef_": {"requests": {"owner": {"x": True}}}}}, "malformed"),
        ({"state": {"coef_": {"module": 1}}}, "malformed module"),
    ],
    ids=str,
)
def test_malformed_models_are_refused_by_a_sentence(path, update, match):
    save(Ridge(), path)
    rewrite(path, lambda document: document["estimator"]["estimator"].update(update))
    with pytest.raises(ValueError, match=f"Cannot load .*model.skgex.*{match}"):
        load(path)


@pytest.mark.parametrize("value", [None, 1, [], {}, {"tuple": [1]}, {"estimator": {}}], ids=str)
def test_models_without_an_estimator(path, value):
    save(Ridge(), path)
    rewrite(path, lambda document: document.update(estimator=value))
    with pytest.raises(ValueError, match=r"model.skgex"):
        load(path)


def test_archives_that_are_no_models(path):
    write_archive(path, {"kind": "checkpoint"}, {})
    for read in (load, describe):
        with pytest.raises(ValueError, match=r"not a model \(kind: 'checkpoint'"):
            read(path)


def test_other_scikit_learn_warns(path):
    save(Ridge().fit(X, Y), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(path)
    rewrite(path, lambda document: document["versions"].update({"scikit-learn": "1.2.0"}))
    with pytest.warns(InconsistentVersionWarning, match=r"Ridge from version 1.2.0"):
        load(path)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_is_refused_and_not_executed(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="is not a skgex archive"):
        load(path)
    torch.save(Bomb(), path)
    with pytest.raises(ValueError, match="is not a skgex archive"):
        load(path)
    assert os.listdir() == [path.name]


def test_damaged_models(path):
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
    save(pipeline, path)
    whole = path.read_bytes()
    expected = pipeline.predict(X)
    for position in np.random.default_rng(1).integers(len(whole), size=200):
        for damaged in (whole[:position], bytearray(whole)):
            if isinstance(damaged, bytearray):
                damaged[position] ^= 1 << position % 8
            path.write_bytes(damaged)
            try:
                found = load(path).predict(X)
            except ValueError as error:
                assert "model.skgex" in str(error)
            else:
                np.testing.assert_array_equal(found, expected)


# -- torch modules ---------------------------------------------------------------------------
class Net(torch.nn.Module):
    def __init__(self, n_inputs, hidden_units, *, bias=True):
        super().__init__()
        self.config = dict(n_inputs=n_inputs, hidden_units=hidden_units, bias=bias)
        self.layers = torch.nn.Sequential()
        for units in hidden_units:
            self.layers.append(torch.nn.Linear(n_inputs, units, bias=bias))
            self.layers.append(torch.nn.BatchNorm1d(units))
            self.layers.append(torch.nn.Dropout(0.5))
            n_inputs = units

    def forward(self, X):
        return self.layers(X)


class Hiding(Net):
    def __init__(self, n_inputs, hidden_units):
        super().__init__(n_inputs, hidden_units)
        del self.config["bias"]
        self.register_buffer("hidden", torch.ones(2), persistent=False)


@pytest.fixture
def nets(monkeypatch):
    """Make Net's home a package that modules may come from."""
    home = types.ModuleType("skgex_test_nets")
    for cls in (Net, Hiding):
        monkeypatch.setattr(cls, "__module__", home.__name__)
        setattr(home, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, home.__name__, home)
    monkeypatch.setattr(_encoding, "MODULE_PACKAGES", (home.__name__,))


@pytest.fixture
def model(nets, path):
    """A saved estimator that holds a trained net."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Net(5, (4, 3))
        net(torch.from_numpy(X.to_numpy(np.float32)))  # moves the running statistics
    estimator = holding(net)
    save(estimator, path)
    return estimator


def test_module_round_trip(model, path):
    state = torch.get_rng_state()
    net = load(path).value_
    assert torch.equal(torch.get_rng_state(), state)
    assert type(net) is Net and not net.training
    assert net.config == model.value_.config
    inputs = torch.from_numpy(X.to_numpy(np.float32))
    assert torch.equal(net(inputs), model.value_.eval()(inputs))
    # It can be trained further.
    net.train()(inputs).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_frozen_parameters_stay_frozen(model, path):
    model.value_.layers[0].requires_grad_(False)
    net = round_trip(model, path).value_
    frozen = {name for name, parameter in net.named_parameters() if not parameter.requires_grad}
    assert frozen == {"layers.0.weight", "layers.0.bias"}


def module_of(document):
    return document["estimator"]["estimator"]["state"]["value_"]["module"]


@pytest.mark.parametrize(
    "update, match",
    [
        ({"class": "torch.nn.Linear"}, "is not a Module class of skgex_test_nets"),
        ({"class": "skgex_test_nets.torch"}, "is not a Module class"),
        ({"class": "sklearn.linear_model.Ridge"}, "is not a Module class"),
        ({"state": {}}, "Missing key"),
        ({"state": {"x": "absent"}}, "array 'absent' is missing"),
        ({"config": {}}, "missing 2 required"),
        ({"config": {"n_inputs": 6, "hidden_units": [4, 3]}}, "size mismatch"),
        ({"config": {"n_inputs": 5, "hidden_units": [4, 3, 2]}}, "Missing key"),
        ({"config": {"n_inputs": 10**6, "hidden_units": [10**6] * 2}}, "size mismatch"),
        ({"config": {"n_inputs": 10**9, "hidden_units": [4, 3]}}, "above 1,000,000"),
        ({"config": {"n_inputs": 5, "hidden_units": [4] * 10**5}}, "more layers than"),
        ({"config": {"n_inputs": 5, "hidden_units": [4, 3], "evil": 1}}, "unexpected keyword"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_modules_that_do_not_fit_are_refused(model, path, update, match):
    rewrite(path, lambda document: module_of(document).update(update))
    with pytest.raises(ValueError, match=match):
        load(path)


def test_arrays_of_another_shape_are_refused(model, path):
    name = module_of(read_document(path))["state"]["layers.0.weight"]
    rewrite(path, json.dumps, **{name: np.ones((4, 6), np.float32)})
    with pytest.raises(ValueError, match=r"Net and the arrays do not match.*size mismatch"):
        load(path)


def test_modules_that_could_not_be_loaded_are_refused_at_save(nets, path):
    with pytest.raises(ValueError, match="keeps 'hidden' outside its state_dict"):
        save(holding(Hiding(2, (3,))), path)
    net = Net(2, (3,))
    net.config["hidden_units"] = (4,)
    with pytest.raises(ValueError, match="size mismatch"):
        save(holding(net), path)
    del net.config
    with pytest.raises(TypeError, match=r"'value_': a skgex_test_nets.Net cannot"):
        save(holding(net), path)
    assert not path.exists()
