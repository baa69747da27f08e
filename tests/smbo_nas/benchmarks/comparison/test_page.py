from __future__ import annotations

import json
from pathlib import Path

import pytest

from smbo_nas.benchmarks.comparison.figures import anytime_figure, highlighted, rank_figure, style
from smbo_nas.benchmarks.comparison.findings import Comparison
from smbo_nas.benchmarks.comparison.outputs import FINDINGS, PAGE, TABLE, write_outputs
from smbo_nas.benchmarks.comparison.page import markdown, render
from smbo_nas.benchmarks.comparison.tables import Cell, Table, main_table, task_table
from smbo_nas.benchmarks.ranking import rank
from tests.smbo_nas.benchmarks.comparison.test_findings import task
from tests.smbo_nas.benchmarks.small import run, task_runs
from tests.smbo_nas.report.test_page import Page

COMPARISON = Comparison((task("first"), task("second")), 100, 12)
EVIL = '</script><script>alert("x")</script>&'


@pytest.fixture(scope="module")
def html() -> str:
    return render(COMPARISON, {"command": "smbo-nas benchmark compare", "machine": "m"})


def test_the_page_is_whole_and_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert "smbo-gp found the best networks" in page.text
    assert "No better than random search" in page.text
    assert "What each part is worth" in page.text
    assert len(page.data) == 2 * 2 + 2  # two plots for each task, and two of ranks
    assert not [value for _, attributes in page.elements for value in attributes.values() if "http" in str(value)]


def test_every_method_and_what_it_does_is_on_the_page(html: str) -> None:
    text = Page(html).text
    for name in COMPARISON.methods:
        assert name in text
    assert "Regularized (aging) evolution" in text


def test_what_others_wrote_is_text_and_nothing_else() -> None:
    evil = Comparison(tuple(task(f"{EVIL}{k}") for k in range(2)), 100, 12)
    html = render(evil, {"command": EVIL, EVIL: "m"})
    page = Page(html)
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert len(scripts) == len(page.data) + 2  # plotly and ours
    assert EVIL not in html
    assert f"{EVIL}0" in page.text


def test_the_table_says_who_is_no_better_than_random() -> None:
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in main_table(COMPARISON).rows}
    assert rows["smbo-gp"] == ["ours", "1.0", "1.0", "90.00", "90.00", "better on 2 of 2"]
    assert rows["ppo"][-1] == "not told apart"
    assert rows["q-learning"][-1] == "worse on 2 of 2"
    assert rows["random"][-1] == "–"  # noqa: RUF001


def test_a_tasks_table_has_test_values_only_where_there_are_some() -> None:
    titles = [title for title, _ in task_table(COMPARISON, COMPARISON.tasks[0]).columns]
    assert "test" not in titles
    tested = Comparison((task_runs([run("random", 0, None), run("tpe", 0, 9)]),), 100, 1)
    for own in tested.every[0].runs.values():
        object.__setattr__(own[0], "test", 70.0)
    (table,) = [task_table(tested, of) for of in tested.tasks]
    assert "test" in [title for title, _ in table.columns]
    assert all("70.00" in [cell.text for cell in row] for row in table.rows)


def test_markdown_has_the_same_cells() -> None:
    text = markdown(COMPARISON)
    assert "| smbo-gp | ours | 1.0 | 1.0 | 90.00 | 90.00 | better on 2 of 2 |" in text
    assert "| predictor off | a random one of the whole list is next | smbo-gp | first |" in text
    assert Table("c", [("a", False), ("b", True)], [[Cell("x|y"), Cell("1", 1.0)]]).markdown() == (
        "| a | b |\n| --- | --: |\n| x\\|y | 1 |"
    )


def test_numbers_sort_as_numbers() -> None:
    html = Table(
        "c", [("a", False), ("b", True)], [[Cell("<x>"), Cell("1,234", 1234.0)], [Cell("y"), Cell("-")]]
    ).html()
    assert 'data-key="1234">1,234<' in html
    assert 'data-key="">-<' in html
    assert "<td>&lt;x&gt;</td>" in html


def test_curves_end_where_the_search_is_solved() -> None:
    figure = anytime_figure(COMPARISON, COMPARISON.tasks[0], "cost")
    assert figure is not None
    line = next(trace for trace in figure.data if trace.name == "smbo-gp")
    assert line.y[-1] == 0.01  # the floor of the logarithmic axis, which is labelled 0
    assert figure.layout.yaxis.ticktext[0] == "0"
    bands = [trace.legendgroup for trace in figure.data if trace.fill == "toself"]
    assert set(bands) == {"smbo-gp", "evolution", "random"}


def test_there_are_no_curves_over_hours_that_are_not_known() -> None:
    unknown = task_runs([run("random", 0, None)])
    object.__setattr__(unknown.runs["random"][0], "steps", ((1, 1.0, None),))
    comparison = Comparison((unknown,), 100, 1)
    assert anytime_figure(comparison, unknown, "hours") is None
    Page(render(comparison, {}))


def test_a_method_looks_the_same_in_every_plot_and_unlike_the_others() -> None:
    methods = ("smbo-gp", "evolution", "genetic", "hierarchical", "random", "random-distinct")
    looks = [tuple(style(name, methods).items()) for name in methods]
    assert len(set(looks)) == len(methods)
    assert highlighted(["genetic", "evolution", "tpe", "random"]) == ["genetic", "tpe", "random"]
    assert highlighted(["random", "tpe"]) == ["random", "tpe"]


def test_the_diagram_of_ranks_joins_what_is_not_told_apart() -> None:
    found = rank(["a", "b", "c"], [[1, 2, 3]] * 14 + [[1.5, 1.5, 3], [1, 2.5, 2.5]] * 3 + [[3, 2, 1]] * 4)  # type: ignore[arg-type]
    figure = rank_figure(found)
    bars = [trace for trace in figure.data if trace.line.width == 5]
    assert [(round(bar.y[0] + 0.25), round(bar.y[1] - 0.25)) for bar in bars] == list(found.groups)
    assert figure.layout.annotations[0].text == f"critical difference {found.critical_difference:.1f}"
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "c"]


def test_all_files_are_written(tmp_path: Path) -> None:
    write_outputs(tmp_path / "new", COMPARISON, {"command": "c"})
    assert (tmp_path / "new" / TABLE).read_text().startswith("With 100 trainings")
    assert json.loads((tmp_path / "new" / FINDINGS).read_text())["command"] == "c"
    assert (tmp_path / "new" / PAGE).read_text().startswith("<!doctype html>")


def test_nothing_to_show_is_a_page_too() -> None:
    nothing = Comparison((task_runs([]),), 100, 12)
    assert "No method was run" in Page(render(nothing, {})).text
    assert markdown(nothing).startswith("No method was run")
