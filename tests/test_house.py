"""Rules of the house that a machine can check."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(p for package in ("smbo_nas", "predictors") for p in (ROOT / package).rglob("*.py"))


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_packages_is_light() -> None:
    heavy = {"torch", "optuna", "plotly", "botorch", "gpytorch", "torch_geometric", "typer", "sklearn", "scipy"}
    assert not heavy & loaded_by("import smbo_nas, predictors")


def test_import_takes_less_than_half_a_second() -> None:
    code = "import time; t = time.perf_counter(); import smbo_nas; print(time.perf_counter() - t)"
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in "123"]
    assert min(times) < 0.5


def imported(node: ast.AST) -> set[str]:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return {name.split(".")[0] for name in names}


def test_predictors_never_import_the_optimizer() -> None:
    """But for their command line, which uses typer, and the optimizer's benchmarks where it is asked for one."""
    for path in (ROOT / "predictors").rglob("*.py"):
        tree = ast.parse(path.read_text())
        at_import = set().union(*map(imported, tree.body))
        anywhere = set().union(*map(imported, ast.walk(tree)))
        if path == ROOT / "predictors" / "cli.py":
            assert not at_import & {"smbo_nas", "optuna"}
            assert "optuna" not in anywhere
        else:
            assert not anywhere & {"smbo_nas", "optuna", "typer"}, path


def test_modules_are_small() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in MODULES}
    assert statistics.median(lengths.values()) < 150
    assert {p: n for p, n in lengths.items() if n > 420} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_pickle_no_print_no_global_seed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "pickle.load", "pickle.loads", "torch.manual_seed", "np.random.seed"), (
                f"line {node.lineno}: {called}"
            )
            if called == "torch.load":
                assert "weights_only=True" in ast.unparse(node), f"line {node.lineno}: torch.load"


def test_the_package_knows_its_version() -> None:
    import tomllib
    from importlib.metadata import version

    import smbo_nas

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert smbo_nas.__version__ == declared == version("smbo-nas")


def test_every_exported_name_can_be_imported() -> None:
    import smbo_nas

    for name in smbo_nas.__all__:
        assert getattr(smbo_nas, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = smbo_nas.nonsense
