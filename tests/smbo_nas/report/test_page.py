from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from predictors.graph import ArchGraph
from smbo_nas.report import read_run, write_report
from smbo_nas.report.tables import ranked
from tests.smbo_nas.report import graphs
from tests.smbo_nas.report.synthetic import synthetic_records, write_run

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The elements of a page, with a check that every one that opens closes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data: list[Any] = []
        self._open: list[str] = []
        self._json = False
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        self._json = dict(attrs).get("type") == "application/json"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._json:
            self.data.append(json.loads(data, parse_constant=self._refuse))
            self._json = False
        elif self._open and self._open[-1] not in ("script", "style"):
            self.text += data

    @staticmethod
    def _refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def page_of(run_dir: Path) -> tuple[Page, str]:
    path = write_report(run_dir)
    assert path == run_dir / "report.html"
    html = path.read_text(encoding="utf-8")
    own = html.replace(get_plotlyjs(), "")
    assert len(own) < len(html) - 1_000_000
    return Page(own), own


def test_the_report_of_a_search(tmp_path: Path) -> None:
    page, _ = page_of(write_run(tmp_path))
    for heading in (
        "The best network",
        "Best value so far",
        "Learning curves",
        "Predicted against measured",
        "Run card",
    ):
        assert heading in page.text
    assert page.count("h1") == 1
    assert len(page.data) == 4
    assert all(figure["data"] and figure["layout"] for figure in page.data)
    assert "smbo-nas search --data digits" in page.text
    assert "unlikely" not in page.text  # the probability says it better
    assert "the loss became nan in epoch 3" in page.text
    focused = [figure["layout"]["yaxis"].get("range") is not None for figure in page.data]
    assert page.text.count("left out at first") == sum(focused) == 3
    assert "Kendall's τ = 0." in page.text
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".report")] == []


def test_the_page_asks_for_nothing_from_anywhere(tmp_path: Path) -> None:
    page, own = page_of(write_run(tmp_path))
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert not {"src", "href", "srcset", "data", "action", "poster", "xlink:href"} & set(attributes)
    assert set(re.findall(r"https?://[^\s\"'<]*", own)) <= {"http://www.w3.org/2000/svg"}
    assert "url(" not in own
    assert "@import" not in own
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_no_text_of_the_run_becomes_markup(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)><script>alert(2)</script>\"'&"
    clean, _ = page_of(write_run(tmp_path / "clean"))
    records = synthetic_records()
    for record in records:
        record |= {"params": {evil: evil}, "reason": evil, "digest": evil}
        record["graph"] = {"ops": ["input", evil, "output"], "edges": [[0, 1], [1, 2]]}
        if record["state"] == "PRUNED":
            record["stop_probability"] = record["final_mean"] = None
    texts: dict[str, Any] = dict.fromkeys(
        ("space", "data", "metric", "study", "sampler", "pruner", "device", "machine", "command"), evil
    )
    page, own = page_of(write_run(tmp_path / "evil", records, versions={evil: evil}, **texts))
    assert page.count("img") == 0
    assert page.count("script") == clean.count("script")
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<img" not in own
    assert evil in page.text


def test_every_trial_is_in_the_tables_best_first(tmp_path: Path) -> None:
    records = synthetic_records()
    page, own = page_of(write_run(tmp_path, records))
    run = read_run(tmp_path)
    order = [int(n) for n in re.findall(r'<tr[^>]*><td class=num data-key="(\d+)">', own)]
    assert order == [c.number for c in ranked(run)]
    assert sorted(order) == list(range(24))
    assert order[0] == run.summary.best_trial
    values = [records[n]["value"] for n in order if records[n]["state"] == "COMPLETE"]
    assert values == sorted(values, reverse=True)
    assert records[order[-1]]["state"] == "FAIL"
    assert page.count("details") == 1
    assert page.count("table") == page.count("caption") == 3


def test_a_run_without_trials(tmp_path: Path) -> None:
    page, _ = page_of(write_run(tmp_path, []))
    assert "no trial was started" in page.text
    assert page.data == []


def test_a_run_whose_first_trials_are_under_way(tmp_path: Path) -> None:
    records = synthetic_records()[:2]
    for record in records:
        record |= {"state": "RUNNING", "value": None, "curve": record["curve"][:4]}
    page, _ = page_of(write_run(tmp_path, records))
    assert "No network is trained to the end yet" in page.text
    assert "No trial is complete yet" in page.text
    assert len(page.data) == 1
    assert "running" in page.text


def test_two_cells_are_drawn_apart(tmp_path: Path) -> None:
    graph = graphs.darts(np.random.default_rng(0))
    page, _ = page_of(write_run(tmp_path, graph=graph))
    assert "Reduction cell" in page.text
    assert sum(a.get("class") == "arch" and a.get("role") == "img" for _, a in page.elements) == 2
    drawn = {int(a["data-node"] or -1) for _, a in page.elements if "data-node" in a}
    assert drawn == set(range(graph.n_nodes))


def test_a_best_network_without_signal_is_drawn(tmp_path: Path) -> None:
    graph = ArchGraph(ops=("input", "none", "output"), edges=((0, 1), (1, 2)))
    page, _ = page_of(write_run(tmp_path, graph=graph))
    assert "no path from input to output" in page.text


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_report(write_run(tmp_path))
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("disk full")

    write_run(tmp_path, synthetic_records(1))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="disk full"):
            write_report(tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".report")] == []
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(ValueError, match="no valid JSON"):
        write_report(tmp_path)
    assert path.read_bytes() == before


def test_importing_the_report_imports_no_plotly() -> None:
    heavy = {"plotly", "scipy", "sklearn", "torch", "optuna"}
    code = f"import sys, smbo_nas.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
