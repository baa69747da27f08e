from __future__ import annotations

import pytest

from smbo_nas.benchmarks.catalogue import ABLATIONS, CATALOGUE, FAMILIES, entry_of, main_methods, methods_of
from smbo_nas.benchmarks.methods import ABLATIONS as PARTS
from smbo_nas.benchmarks.methods import PEERS, check, known
from smbo_nas.benchmarks.results import BASELINE


def test_every_method_is_described_and_every_description_is_of_a_method() -> None:
    assert check(list(CATALOGUE), curves=True) == list(CATALOGUE)
    named = {name for name in known() if "+" not in name and name not in PARTS}
    assert named <= set(CATALOGUE)
    assert {entry.family for entry in CATALOGUE.values()} == set(FAMILIES)
    assert not any(entry_of(name).family == "ours" for name in PEERS)


def test_all_has_no_stopping_where_there_are_no_curves() -> None:
    without = methods_of("all", curves=False, ablations=False)
    assert not any("+" in name for name in without)
    with_curves = methods_of("all", curves=True, ablations=False)
    assert [name for name in with_curves if "+" not in name] == without
    assert {"smbo-gp+curve", "smbo-gp", BASELINE, "reinforce", "evolution"} <= set(with_curves)
    assert not {"gp", "weaknas", "large-scale"} & set(with_curves)


def test_methods_by_name() -> None:
    assert methods_of("tpe, random,tpe", curves=False, ablations=False) == ["tpe", "random"]
    assert methods_of("tpe+median,random", curves=False, ablations=False) == ["random"]
    assert methods_of("tpe+median,random", curves=True, ablations=False) == ["tpe+median", "random"]
    with pytest.raises(ValueError, match="`methods` must be of smbo,"):
        methods_of("nonsense", curves=False, ablations=False)


def test_one_flag_adds_every_part_and_what_it_is_a_part_of() -> None:
    names = methods_of("random", curves=True, ablations=True)
    assert set(names) == {"random", *(name for each in ABLATIONS for name in (each.whole, each.without))}
    assert set(PARTS) < set(names)
    assert main_methods(names) == ["random", "smbo-gp", "smbo-gp+curve"]
    assert "smbo-gp+curve" not in methods_of("random", curves=False, ablations=True)


def test_what_the_catalogue_does_not_name_is_put_together() -> None:
    found = entry_of("random+hyperband")
    assert found.family == "random"
    assert "stopped by hyperband" in found.text
    assert "may go on" in entry_of("smbo+curve+thaw").text
