"""A comparison as one HTML page, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from smbo_nas.benchmarks.catalogue import entry_of
from smbo_nas.benchmarks.comparison.figures import anytime_figure, highlighted, rank_figure
from smbo_nas.benchmarks.comparison.findings import Comparison, verdict
from smbo_nas.benchmarks.comparison.tables import effects_table, main_table, task_table
from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.protocol import TaskRuns, telling
from smbo_nas.benchmarks.ranking import ALPHA
from smbo_nas.report.document import chart, document

_STYLE = (  # more specific than the page's own, which is for tables of trials
    "table.sortable td:nth-child(4){min-width:0}table.sortable td:last-child{min-width:5rem}"
    "table.sortable td:first-child{min-width:8rem}"
    "table.sortable th,table.sortable th button{white-space:normal;text-align:inherit;vertical-align:bottom}"
)
_COLUMNS = (
    "Mean, median and quartiles are of the best network's validation accuracy, in percent. Better / worse: than how "
    "many methods this one is better and worse after the whole budget; sooner / later: than how many it finds the best "
    "network sooner and later. Only differences that chance hardly explains count: p below "
    f"{ALPHA} by Wilcoxon's signed-rank test over the seeds, with Holm's correction for all pairs. A search that does "
    "not find the best network counts with its whole budget. Repeats are trainings of what had been trained before, "
    "under another name or the same."
)


_BESIDE = (
    f"Beside random search: on how many tasks a method is better or worse than random draws, p below {ALPHA} by "
    "Wilcoxon's signed-rank test over the seeds, with Holm's correction for all comparisons with random search on a "
    "task. Ranks are averages over the tasks, 1 is the best: by the best network found, and by how soon the very best "
    "one was found."
)


def rules(comparison: Comparison) -> list[str]:
    """The protocol in plain words."""
    return [
        "All networks of each task were trained before, so the best one is known, and a training is a look-up.",
        f"Every search has {comparison.budget} trainings. For each seed, all methods begin with the same {STARTS} "
        "random networks, which count.",
        "Methods see validation accuracy only. Test accuracy, where a table has it, is in the report alone.",
        "A search ends when it has found the best network (fashion201: one within 0.1 points of it) and counts as "
        "being there from then on.",
        "Networks cost different times to train: methods are also compared at equal simulated hours of training.",
        "What stops a training early pays for the epochs that it trained.",
    ]


def render(comparison: Comparison, about: Mapping[str, Any]) -> str:
    """The page.

    Args:
        comparison: What was found.
        about: The command and the machine.
    """
    counts = sorted({len(own) for task in comparison.every for own in task.runs.values()})
    tiles = [
        ("tasks", str(len(comparison.tasks))),
        ("methods", str(len(comparison.methods))),
        ("searches", f"{sum(len(own) for task in comparison.every for own in task.runs.values()):,}"),
        ("trainings a search", str(comparison.budget)),
        ("seeds for each method and task", " to ".join(dict.fromkeys(map(str, [*counts[:1], *counts[-1:]]))) or "0"),
    ]
    listed = "".join(f"<li>{escape(rule)}</li>" for rule in rules(comparison))
    overview = f"{main_table(comparison).html()}<p>{escape(_BESIDE)}</p>{_glossary(comparison)}"
    sections = [
        f"<section><h2>All methods</h2>{overview}</section>",
        f"<section><h2>How they were compared</h2><ul>{listed}</ul></section>",
        *(_task_section(comparison, task) for task in comparison.tasks),
        *_rank_section(comparison),
        *_ablation_section(comparison),
        f"<section><h2>Run card</h2><dl>{''.join(_card(about))}</dl></section>",
    ]
    return document(
        kind="Comparison of search strategies",
        title="Which strategy finds good networks?",
        subtitle=", ".join(task.name for task in comparison.tasks),
        verdict=verdict(comparison),
        tiles=tiles,
        main="\n".join(sections),
        style=_STYLE,
    )


def markdown(comparison: Comparison) -> str:
    """The tables."""
    parts = [verdict(comparison), f"{main_table(comparison).caption}.\n\n{main_table(comparison).markdown()}", _BESIDE]
    for task in comparison.tasks:
        table = task_table(comparison, task)
        parts.append(f"**{table.caption}**\n\n{table.markdown()}")
    parts.append(_COLUMNS)
    if comparison.effects:
        table = effects_table(comparison.effects)
        parts.append(f"**{table.caption}**\n\n{table.markdown()}")
    return "\n\n".join(parts) + "\n"


def _glossary(comparison: Comparison) -> str:
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(entry_of(name).text)}</dd></div>" for name in comparison.methods
    )
    return f"<details><summary>What each method does</summary><dl>{rows}</dl></details>"


def _task_section(comparison: Comparison, task: TaskRuns) -> str:
    shown = ", ".join(highlighted([name for name in comparison.methods if name in task.runs]))
    charts = []
    for by, what in (("cost", f"{task.unit} spent"), ("hours", "simulated hours of training")):
        figure = anytime_figure(comparison, task, "cost" if by == "cost" else "hours")
        if figure is not None:
            text = (
                f"What the best network so far lacks to the best there is, against {what}; lower is better, 0 is "
                f"found. Lines are medians over the seeds, shades the quartiles of {shown}. A click on a name hides "
                "or shows it."
            )
            charts.append(chart(figure, text))
    pairs = comparison.pairs[task.name]["regret"]
    noted = " There are too few seeds to tell any pair apart." if pairs and not telling(pairs) else ""
    numbers = f"{task_table(comparison, task).html()}<p>{escape(_COLUMNS + noted)}</p>"
    details = f"<details><summary>Numbers and tests</summary>{numbers}</details>"
    return f"<section><h2>{escape(task.name)}</h2>{''.join(charts)}{details}</section>"


def _rank_section(comparison: Comparison) -> Iterator[str]:
    charts = []
    for measure, what in (("regret", "by the best network found"), ("cost", "by what was spent until it was found")):
        found = comparison.rankings["regret" if measure == "regret" else "cost"]
        if found is None or found.critical_difference is None:
            return
        text = (
            f"Average ranks over {found.data_sets} tasks, {what}. Bars at the right join methods that do not differ "
            f"(Nemenyi, p above {ALPHA}); that all are equal has p = {found.p:.2g} (Friedman)."
        )
        charts.append(chart(rank_figure(found), text))
    few = (
        "<p>A task counts once, however many searches there are on it: with so few tasks the critical difference is "
        "large, and the tests on each task (above) see more.</p>"
    )
    yield f'<section><h2>Average ranks</h2><div class="pair">{"".join(charts)}</div>{few}</section>'


def _ablation_section(comparison: Comparison) -> Iterator[str]:
    if comparison.effects:
        yield (
            f"<section><h2>What each part is worth</h2>{effects_table(comparison.effects).html()}<p>The same search "
            "without one of its parts, over the same seeds: how many points it then lacks after the whole budget, and "
            "how much more it spends until the task is solved; p-values by Wilcoxon's signed-rank test, with Holm's "
            "correction for all parts and tasks.</p></section>"
        )


def _card(about: Mapping[str, Any]) -> Iterator[str]:
    for name, value in about.items():
        yield f"<div><dt>{escape(str(name))}</dt><dd><code>{escape(str(value))}</code></dd></div>"
