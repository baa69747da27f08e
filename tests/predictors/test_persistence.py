"""Saving and loading, above all of files that nobody should trust. What every predictor keeps is in `testing`."""

from __future__ import annotations

import copy
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.error_law import HeldOut
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described, Inputs
from predictors.persistence import FILE, PersistenceError, _checksum, load, pack, save, unpack
from tests.predictors.architecture.graphs import random_cells, values

GRAPHS, NEW = random_cells(12), random_cells(9, seed=1)


def fitted(seed: int = 0) -> GraphGP:
    return GraphGP(random_state=seed).fit(GRAPHS, values(GRAPHS) + seed)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("saved")
    save(fitted(), folder)
    return (folder / FILE).read_bytes()


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        (tmp_path / FILE).write_bytes(content)
        return tmp_path

    return write


Folder = Callable[[bytes], Path]


def test_what_was_learned_survives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [Described(graph, {"b": rng.normal(), "a": np.nan if k == 3 else k}) for k, graph in enumerate(GRAPHS)]
    source = GraphGP(max_exact=9, random_state=3).fit(rows, values(GRAPHS))
    before = GraphGP(random_state=0).fit(rows, values(GRAPHS), y_std=np.full(12, 0.5), source=source)
    save(before, tmp_path / "new" / "folder")
    after = load(tmp_path / "new" / "folder")
    assert isinstance(after, GraphGP)
    assert after.get_params() == before.get_params()
    assert vars(after).keys() == vars(before).keys()
    assert after.column_names_ == ("a", "b")
    assert after.column_encoder_.gaps_ == [0]
    assert after.source_ is not None
    assert after.source_.get_params() == {"max_exact": 9, "max_fit": 500, "random_state": 3}
    assert after.error_law_ == before.error_law_
    assert after.examples_ == before.examples_
    np.testing.assert_array_equal(after.held_out_.mean, before.held_out_.mean)
    np.testing.assert_array_equal(after.score_map_.values, before.score_map_.values)
    for answer in (before.predict, before.sample, before.predict_scores):
        np.testing.assert_array_equal(getattr(after, answer.__name__)(rows), answer(rows))
    save(after, tmp_path)
    assert (tmp_path / FILE).read_bytes() == (tmp_path / "new" / "folder" / FILE).read_bytes()


def test_names_of_a_data_frame_survive(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"width": [1.0, 2.0, 3.0], "depth": [3.0, np.nan, 2.0]})
    before = GraphGP(random_state=0).fit(X, [1.0, 2.0, 3.0])
    save(before, tmp_path)
    after = load(tmp_path)
    assert after.feature_names_in_.tolist() == ["width", "depth"]
    np.testing.assert_array_equal(after.predict(X), before.predict(X))
    with pytest.raises(ValueError, match="feature names"):
        after.predict(X[["depth", "width"]])


# --- a class of one's own ---------------------------------------------------------------------------------------------


class Line(nn.Module):
    def __init__(self, *, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 1, dtype=torch.float64)
        self.layer.weight.data.uniform_(generator=generator)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[:, 0]


class Mine(ArchitecturePredictor):
    def __init__(self, *, device: str = "cpu", random_state: int | None = None, odd: Any = None) -> None:
        self.device = device
        self.random_state = random_state
        self.odd = odd

    def _fit_scores(self, inputs: Inputs, scores: np.ndarray, noise: np.ndarray) -> HeldOut:
        self.network_ = Line(width=3, generator=torch.Generator().manual_seed(1)).eval()
        self.network_.count += len(scores)
        return HeldOut.none(len(scores))

    def _predict_scores(self, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
        x = torch.tensor([[len(g.edges), len(g.ops), 1.0] for g in inputs.graphs], dtype=torch.float64)
        return self.network_(x).detach().numpy(), np.ones(len(inputs))

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        mean, _ = self._predict_scores(inputs)
        return mean, mean + rng.normal(size=(n, len(inputs)))


def test_ones_own_classes_are_brought_along(tmp_path: Path) -> None:
    mine = Mine(random_state=1).fit(GRAPHS, values(GRAPHS))
    with pytest.raises(PersistenceError, match="unknown class 'Mine'; pass a class of your own in `classes`"):
        save(mine, tmp_path)
    with pytest.raises(PersistenceError, match="network_ cannot be saved: unknown class 'Line'"):
        save(mine, tmp_path, classes=[Mine])
    save(mine, tmp_path, classes=[Mine, Line])
    with pytest.raises(PersistenceError, match="unknown class 'Mine'"):
        load(tmp_path)
    state = torch.get_rng_state()
    loaded = load(tmp_path, classes=[Mine, Line])
    assert torch.equal(state, torch.get_rng_state())
    assert isinstance(loaded, Mine)
    assert loaded.network_.count == 12
    assert not loaded.network_.training
    np.testing.assert_array_equal(loaded.predict(NEW), mine.predict(NEW))
    np.testing.assert_array_equal(loaded.sample(NEW, 3), mine.sample(NEW, 3))


def test_wherever_it_was_trained_it_predicts_on_the_cpu(tmp_path: Path) -> None:
    mine = Mine(device="cuda:7", random_state=1).fit(GRAPHS, values(GRAPHS))
    save(mine, tmp_path, classes=[Mine, Line])
    assert load(tmp_path, classes=[Mine, Line]).get_params()["device"] == "cpu"
    assert mine.device == "cuda:7"


def test_a_name_belongs_to_one_class(tmp_path: Path) -> None:
    impostor = type("GraphGP", (Mine,), {})
    with pytest.raises(PersistenceError, match="`classes` must have names of their own, but 'GraphGP' is taken"):
        load(tmp_path, classes=[impostor])
    with pytest.raises(PersistenceError, match="has the name of another"):
        save(impostor().fit(GRAPHS, values(GRAPHS)), tmp_path)
    save(fitted(), tmp_path)
    load(tmp_path, classes=[GraphGP])


@pytest.mark.parametrize(
    "odd",
    [
        None,
        True,
        2**70,
        -0.0,
        np.inf,
        "ü\0",
        [],
        (),
        [(1, [2.0])],
        {(1, "a"): {}},
        np.float32(0.1),
        np.int64(3),
        NEW[0],
    ],
    ids=str,
)
def test_values_of_any_plain_kind_survive(tmp_path: Path, odd: object) -> None:
    save(Mine(odd=odd).fit(GRAPHS, values(GRAPHS)), tmp_path, classes=[Mine, Line])
    loaded = load(tmp_path, classes=[Mine, Line]).get_params()["odd"]
    assert type(loaded) is type(odd)
    assert repr(loaded) == repr(odd)


@pytest.mark.parametrize(
    "array",
    [
        np.empty((0, 3)),
        np.array(2.5),
        np.arange(6, dtype=np.int8).reshape(2, 3).T,
        np.arange(10.0)[::-2],
        np.array([True, False]),
        np.array([np.nan, -np.inf], dtype=np.float16),
        np.array(["a", "bc"]),
    ],
    ids=lambda a: f"{a.dtype}{list(a.shape)}",
)
def test_arrays_survive_with_their_layout(tmp_path: Path, array: np.ndarray) -> None:
    save(Mine(odd=[array, array]).fit(GRAPHS, values(GRAPHS)), tmp_path, classes=[Mine, Line])
    for loaded in load(tmp_path, classes=[Mine, Line]).get_params()["odd"]:
        assert loaded.dtype == array.dtype
        assert loaded.flags.f_contiguous == array.flags.f_contiguous or array.ndim == 1
        np.testing.assert_array_equal(loaded, array)


def circle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (object(), "predictor.odd cannot be saved: unknown class 'object'"),
        ([{"f": print}], "predictor.odd.0.f cannot be saved: unknown class 'builtin_function_or_method'"),
        (np.random.RandomState(0), "unknown class 'RandomState'"),
        (np.array([object()]), "it is an array of objects"),
        (np.array([1j]), "it is an array of complex128"),
        (circle(), "is nested too deeply, or in itself"),
    ],
    ids=["object", "function", "generator", "objects", "complex", "circle"],
)
def test_what_cannot_be_saved_is_named_and_leaves_no_file(tmp_path: Path, odd: object, message: str) -> None:
    with pytest.raises(PersistenceError, match=message):
        save(Mine(odd=odd).fit(GRAPHS, values(GRAPHS)), tmp_path, classes=[Mine, Line])
    assert not list(tmp_path.iterdir())


def test_what_would_not_come_back_is_not_saved(tmp_path: Path) -> None:
    mine = Mine().fit(GRAPHS, values(GRAPHS))
    mine.network_.register_forward_hook(lambda module, inputs, output: output + 1.0)
    with pytest.raises(PersistenceError, match=r"Mine does not survive saving: it predicts \[.*\] where it predicted"):
        save(mine, tmp_path, classes=[Mine, Line])
    with pytest.raises(NotFittedError):
        save(GraphGP(), tmp_path)
    assert not list(tmp_path.iterdir())


# --- whole files ------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(fitted(0), tmp_path)

    def full(descriptor: int) -> None:
        raise OSError("disk full")

    new = fitted(1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="disk full"):
            save(new, tmp_path)
    np.testing.assert_array_equal(load(tmp_path).predict(NEW), fitted(0).predict(NEW))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_reader_sees_the_old_or_the_new(tmp_path: Path) -> None:
    one, two = fitted(0), fitted(1)
    answers = {one.predict(NEW).tobytes(), two.predict(NEW).tobytes()}
    save(one, tmp_path)
    done = threading.Event()

    def write() -> None:
        for k in range(6):
            save((two, one)[k % 2], tmp_path)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert load(tmp_path).predict(NEW).tobytes() in answers
    writer.join()


# --- files that nobody should trust -----------------------------------------------------------------------------------


def refused(folder: Path) -> bool:
    """Whether a file is refused, with a message that names it; what is not predicts what the saved predictor did."""
    try:
        loaded = load(folder)
    except PersistenceError as error:
        message = str(error)
    else:
        np.testing.assert_allclose(loaded.predict(GRAPHS[:3]), predictions(), atol=0.2)
        return False
    assert str(folder / FILE) in message
    assert len(message) < 2000
    return True


@cache
def predictions() -> np.ndarray:
    return fitted().predict(GRAPHS[:3])


def test_damage_anywhere_is_found(saved: bytes, folder_of: Folder) -> None:
    rng = np.random.default_rng(0)
    header = 8 + int.from_bytes(saved[:8], "little")
    places = [*range(0, header, 3), *rng.integers(header, len(saved), 60)]
    outcomes = []
    for place in places:
        damaged = bytearray(saved)
        damaged[place] ^= 1 << rng.integers(8)
        outcomes.append(refused(folder_of(bytes(damaged))))
    assert sum(outcomes) > 0.95 * len(outcomes)  # a changed blank in the header changes nothing
    for length in (0, 1, 7, 8, 9, header - 1, header, *rng.integers(header, len(saved), 20), len(saved) - 1):
        assert refused(folder_of(saved[:length]))
    assert refused(folder_of(saved + b"\0"))
    assert not refused(folder_of(saved))


def parts_of(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children: Any = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from parts_of(child, (*path, key))


def changed(structure: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    structure = copy.deepcopy(structure)
    parent = structure
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return structure


GARBAGE = [
    None, -1, 10**30, 0.5, "", "os", [], {}, [[]], {"dict": [[[], 1]]}, {"float": "1"}, {"array": ["array0", 0]},
    {"array": ["array1", True]}, {"object": ["GraphGP", {}]}, {"object": ["HeldOut", {"mean": 1, "std": 2}]},
    {"graph": {"ops": [], "edges": []}}, {"module": ["GraphGP", {}, {}, 1]}, {"tensor": "array0"},
]  # fmt: skip


def test_structures_of_any_kind_are_refused_or_predict_the_same(saved: bytes, folder_of: Folder) -> None:
    structure, arrays = unpack(saved)
    rng = np.random.default_rng(0)
    paths = list(parts_of(structure))
    outcomes = []
    for k in rng.permutation(len(paths))[:250]:
        value = GARBAGE[rng.integers(len(GARBAGE))]
        outcomes.append(refused(folder_of(pack(changed(structure, paths[k], value), arrays))))
    assert sum(outcomes) > 0.5 * len(outcomes)


def test_arrays_of_any_kind_are_refused_or_predict_the_same(saved: bytes, folder_of: Folder) -> None:
    structure, arrays = unpack(saved)
    outcomes = []
    for name, array in arrays.items():
        others = (array * np.nan, array.ravel()[:-1], array[None], array.astype(np.int8), np.zeros((0, 2**40)))
        outcomes += [refused(folder_of(pack(structure, {**arrays, name: other}))) for other in others]
        assert refused(folder_of(pack(structure, {k: v for k, v in arrays.items() if k != name})))
    assert sum(outcomes) > 0.5 * len(outcomes)


def test_nothing_is_imported_or_run(saved: bytes, folder_of: Folder) -> None:
    structure, arrays = unpack(saved)
    sys.modules.pop("antigravity", None)
    for name in ("os.system", "antigravity", "eval", "predictors.files.write_whole", "Path", "", None, 3, ["GraphGP"]):
        evil = changed(structure, ("predictor", "object", 0), name)
        with pytest.raises(PersistenceError):
            load(folder_of(pack(evil, arrays)))
    assert "antigravity" not in sys.modules
    for attribute in ("__class__", "__dict__", "predict", "_fit_scores", "set_params", "not a name"):
        evil = copy.deepcopy(structure)
        evil["predictor"]["object"][1][attribute] = "GraphGP"
        with pytest.raises(PersistenceError, match="GraphGP can have no attribute"):
            load(folder_of(pack(evil, arrays)))


def test_wrong_types_are_named(saved: bytes, folder_of: Folder) -> None:
    structure, arrays = unpack(saved)
    evil = changed(structure, ("predictor", "object", 1, "error_law_"), 3)
    with pytest.raises(PersistenceError, match=r"GraphGP.error_law_ must be of type .*ErrorLaw.*, but is of type int"):
        load(folder_of(pack(evil, arrays)))


def test_depth_and_size_do_not_crash_the_interpreter(saved: bytes, folder_of: Folder) -> None:
    _, arrays = unpack(saved)
    for depth, opening, closing in ((100_000, b"[", b"]"), (80, b"[", b"]"), (100_000, b'{"tuple":', b"}")):
        text = b'{"predictor":' + opening * depth + closing * depth + b"}"
        content = {**arrays, "structure": np.frombuffer(text, dtype=np.uint8)}
        assert refused(folder_of(_sealed(content)))
    for header in (
        b"[" * 50_000,
        b'{"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F64","shape":[9223372036854775807,0],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,99999999999]}}',
        b"[]",
        b"null",
    ):
        assert refused(folder_of(len(header).to_bytes(8, "little") + header + bytes(8)))
    assert refused(folder_of((2**63).to_bytes(8, "little") + bytes(8)))


def test_modules_of_any_kind_are_refused_or_predict_the_same(tmp_path: Path) -> None:
    mine = Mine().fit(GRAPHS, values(GRAPHS))
    save(mine, tmp_path, classes=[Mine, Line])
    structure, arrays = unpack((tmp_path / FILE).read_bytes())
    inside = ("predictor", "object", 1, "network_")
    for path in parts_of(structure):
        for value in GARBAGE if path[: len(inside)] == inside else ():
            (tmp_path / FILE).write_bytes(pack(changed(structure, path, value), arrays))
            try:
                loaded = load(tmp_path, classes=[Mine, Line])
            except PersistenceError:
                continue
            np.testing.assert_array_equal(loaded.predict(NEW), mine.predict(NEW))


def _sealed(arrays: dict[str, Any], **metadata: Any) -> bytes:
    """A file with a right checksum, and whatever metadata."""
    described = {"version": 1, "checksum": _checksum(arrays), **metadata}
    return safetensors.numpy.save(arrays, {"smbo-nas predictor": json.dumps(described)})


def test_other_files_are_told_apart(saved: bytes, folder_of: Folder, tmp_path: Path) -> None:
    def message() -> str:
        with pytest.raises(PersistenceError) as caught:
            load(tmp_path)
        assert str(tmp_path / FILE) in str(caught.value)
        return str(caught.value)

    assert "No such file" in message()
    (tmp_path / FILE).mkdir()
    assert "Is a directory" in message()
    (tmp_path / FILE).rmdir()
    folder_of(safetensors.numpy.save({"a": np.zeros(3)}))
    assert "it is another kind of file" in message()
    folder_of(safetensors.numpy.save({"a": np.zeros(3)}, {"format": "pt"}))
    assert "it is another kind of file" in message()
    structure, arrays = unpack(saved)
    text = np.frombuffer(json.dumps(structure).encode(), dtype=np.uint8)
    folder_of(_sealed({**arrays, "structure": text}, version=2))
    assert "its version must be 1, but is 2" in message()
    folder_of(_sealed({**arrays, "structure": text}, checksum="0"))
    assert "it is damaged" in message()
    folder_of(pack({**structure, "predictor": {"graph": NEW[0].to_dict()}}, arrays))
    assert "it holds a ArchGraph" in message()
    folder_of(pack(structure, {**arrays, "more": np.zeros(1)}))
    assert "arrays that nothing refers to" in message()


def test_a_predictor_that_predicts_something_else_is_refused(saved: bytes, folder_of: Folder) -> None:
    structure, arrays = unpack(saved)
    name = structure["predictor"]["object"][1]["posterior_"]["object"][1]["weights"]["array"][0]
    arrays[name] = arrays[name] + 0.01
    with pytest.raises(PersistenceError, match=r"it predicts \[.*\] where it predicted \["):
        load(folder_of(pack(structure, arrays)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_trained_on_a_gpu_it_loads_on_either_device(tmp_path: Path) -> None:
    from predictors.architecture.gnn import GNNEnsemble

    gnn = GNNEnsemble(steps=5, random_state=0, device="cuda").fit(GRAPHS, values(GRAPHS))
    save(gnn, tmp_path)
    np.testing.assert_allclose(load(tmp_path).predict(GRAPHS), gnn.predict(GRAPHS), rtol=1e-4)
    np.testing.assert_array_equal(load(tmp_path, device="cuda").predict(GRAPHS), gnn.predict(GRAPHS))
