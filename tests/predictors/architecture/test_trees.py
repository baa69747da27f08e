from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor

from predictors.architecture.regression_trees import RegressionTrees
from predictors.architecture.trees import TreeEnsemble
from predictors.testing.graphs import random_cells, values

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(300, 7)), RNG.normal(size=300)
NEW = RNG.normal(size=(500, 7))


@pytest.mark.parametrize(
    "regressor",
    [
        ExtraTreesRegressor(20, bootstrap=True, random_state=0),
        RandomForestRegressor(15, max_leaf_nodes=20, random_state=0),
        GradientBoostingRegressor(n_estimators=40, max_depth=4, random_state=0),
        GradientBoostingRegressor(n_estimators=5, loss="huber", random_state=0),
    ],
    ids=lambda regressor: f"{type(regressor).__name__}-{regressor.n_estimators}",
)
def test_the_arrays_predict_what_scikit_learn_does(regressor: Any) -> None:
    regressor.fit(X, Y)
    np.testing.assert_allclose(RegressionTrees.of([regressor]).predict(NEW)[0], regressor.predict(NEW), rtol=1e-10)


def test_each_member_speaks_for_itself() -> None:
    members = [ExtraTreesRegressor(5, random_state=seed).fit(X, Y) for seed in range(3)]
    trees = RegressionTrees.of(members)
    np.testing.assert_allclose(trees.predict(NEW), [member.predict(NEW) for member in members], rtol=1e-10)
    assert trees.predict(NEW[:0]).shape == (3, 0)
    with pytest.raises(ValueError, match="`features` must have 7 columns, but has 6"):
        trees.predict(NEW[:, :6])


def changed(array: np.ndarray[Any, Any], place: int, number: float) -> np.ndarray[Any, Any]:
    array = array.copy()
    array.flat[place] = number
    return array


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("roots", -1),
        ("roots", 10**6),
        ("feature", -1),
        ("feature", 7),
        ("left", 10**6),
        ("left", -1),
        ("right", 0),  # its own child: the other one must be, too
        ("threshold", np.nan),
        ("value", np.inf),
    ],
)
def test_forged_arrays_are_refused(name: str, number: float) -> None:
    trees = RegressionTrees.of([ExtraTreesRegressor(3, random_state=0).fit(X, Y)])
    with pytest.raises(ValueError, match=f"`{name}`|two children or none"):
        replace(trees, **{name: changed(getattr(trees, name), 0, number)})
    with pytest.raises(ValueError, match=r"must be of shape|must hold"):
        replace(trees, **{name: getattr(trees, name)[:-1].astype(np.float32)})


def test_a_cycle_is_refused() -> None:
    trees = RegressionTrees.of([ExtraTreesRegressor(3, random_state=0).fit(X, Y)])
    inner = int(np.flatnonzero(trees.left != np.arange(len(trees.left)))[1])
    with pytest.raises(ValueError, match="`left` must hold indices"):
        replace(trees, left=changed(trees.left, inner, inner - 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "oak"}, r"`kind` must be one of \['forest', 'boosting'\], but got 'oak'"),
        ({"members": 1}, "`members` must be at least 2, but got 1"),
        ({"trees": 0}, "`trees` must be at least 1, but got 0"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    graphs = random_cells(4)
    with pytest.raises(ValueError, match=message):
        TreeEnsemble(**arguments).fit(graphs, values(graphs))
