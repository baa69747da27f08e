"""What `smbo-nas benchmark compare` compares: the methods of `all`, what each does, and what is left out of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smbo_nas.benchmarks.methods import check, split


@dataclass(frozen=True)
class Entry:
    """A method.

    Attributes:
        family: How it searches; one of `FAMILIES`.
        text: What it does, with its paper.
        in_all: Whether `all` has it.
    """

    family: str
    text: str
    in_all: bool = True


FAMILIES = ("ours", "model", "tree and local", "evolution", "reinforcement", "training-free", "random")
"""Kinds of methods; `model` are those of others that fit a model of the values."""

_GP = "Gaussian process on graph features, expected improvement over the whole list"
_SLOW = "not in `all`: it costs too much"

CATALOGUE: dict[str, Entry] = {
    "smbo-gp": Entry("ours", f"{_GP}: SMBOSampler with its Gaussian process alone."),
    "smbo": Entry("ours", f"SMBOSampler as it comes: with graph networks from 40 trials on; {_SLOW}.", in_all=False),
    "bananas": Entry("model", "Path-encoding ensemble, Thompson sampling, mutations of the best (White et al., 2021)."),
    "pnas": Entry("model", f"From small cells to larger ones, led by LSTMs (Liu et al., 2018); {_SLOW}.", in_all=False),
    "nao": Entry("model", f"Gradient ascent in an embedding (Luo et al., 2018); {_SLOW}.", in_all=False),
    "weaknas": Entry("model", f"Weak predictors that narrow the list (Wu et al., 2021); {_SLOW}.", in_all=False),
    "tpe": Entry("model", "Optuna's default: tree-structured Parzen estimators (Bergstra et al., 2011)."),
    "gp": Entry("model", f"Optuna's Gaussian process on the parameters; {_SLOW}.", in_all=False),
    "evolution": Entry("evolution", "Regularized (aging) evolution, population 10 (Real et al., 2019)."),
    "genetic": Entry("evolution", "Genetic algorithm of GeNet: roulette, crossover, mutation (Xie and Yuille, 2017)."),
    "hierarchical": Entry("evolution", "Tournaments in a population that only grows (Liu et al., 2018)."),
    "large-scale": Entry(
        "evolution",
        "Networks grow from the smallest (Real et al., 2017); not in `all`: it is for networks that grow, and here the "
        "first ten architectures are given.",
        in_all=False,
    ),
    "local-search": Entry(
        "tree and local", "All neighbours of the incumbent, then the best of them (White et al., 2021)."
    ),
    "hill-climbing": Entry("tree and local", "The best of 8 neighbours, as NASH (Elsken et al., 2018)."),
    "mcts": Entry("tree and local", "Monte Carlo tree search with UCT, as AlphaX (Wang et al., 2019)."),
    "reinforce": Entry("reinforcement", "Recurrent controller with REINFORCE, as NAS-RL (Zoph and Le, 2017)."),
    "ppo": Entry("reinforcement", "The same controller with PPO, as NASNet (Zoph et al., 2018)."),
    "q-learning": Entry("reinforcement", "Q-learning with experience replay, as MetaQNN (Baker et al., 2017)."),
    "zero-cost": Entry("training-free", "In the order of synflow, without any value (Tanaka et al., 2020)."),
    "random": Entry("random", "Uniform draws, repeats and all."),
    "random-distinct": Entry("random", "Uniform draws without isomorphic repeats (Li and Talwalkar, 2019)."),
    "smbo-gp+curve": Entry("ours", "smbo-gp, and trainings whose curve promises little are stopped (CurvePruner)."),
    "smbo-gp+curve+thaw": Entry(
        "ours", "smbo-gp+curve, and what was stopped may go on where it promises more than what is new."
    ),
    "tpe+median": Entry(
        "model", f"TPE, and trainings below the median are stopped (Golovin et al., 2017); {_SLOW}.", in_all=False
    ),
    "tpe+hyperband": Entry("model", "TPE with Hyperband (Li et al., 2018)."),
    "tpe+halving": Entry(
        "model", f"TPE with asynchronous successive halving (Li et al., 2020); {_SLOW}.", in_all=False
    ),
}
"""Methods in the order in which they are run, the stopping ones for tasks with curves."""


@dataclass(frozen=True)
class Ablation:
    """A part left out.

    Attributes:
        part: What is off or swapped.
        whole: The method with it.
        without: The same without.
        text: What is done in its place.
    """

    part: str
    whole: str
    without: str
    text: str


ABLATIONS = (
    Ablation("predictor off", "smbo-gp", "smbo-gp-blind", "a random one of the whole list is next"),
    Ablation("proposer swapped", "smbo-gp", "smbo-gp-mutations", "mutations of the best in place of the whole list"),
    Ablation(
        "predictor off, mutations",
        "smbo-gp-mutations",
        "smbo-gp-mutations-blind",
        "a random mutation of the best is next",
    ),
    Ablation("dedupe off", "smbo-gp", "smbo-gp-unmerged", "isomorphic cells count as different"),
    Ablation("pruner off", "smbo-gp+curve", "smbo-gp", "every training goes to its end"),
)


def methods_of(text: str, *, curves: bool, ablations: bool) -> list[str]:
    """The methods that are run on a task.

    Args:
        text: `all`, or names with commas between them.
        curves: Whether the task has learning curves: without, methods that stop trainings are left out.
        ablations: Whether to add what `ABLATIONS` compare.

    Raises:
        ValueError: When a name is not known.
    """
    names = [name for name, entry in CATALOGUE.items() if entry.in_all]
    if text != "all":
        names = check([name.strip() for name in text.split(",")], curves=True)
    if ablations:
        names += [name for ablation in ABLATIONS for name in (ablation.whole, ablation.without)]
    return list(dict.fromkeys(name for name in names if curves or not _stops(name)))


def main_methods(names: Sequence[str]) -> list[str]:
    """Those that are ranked: all but the ones that are there to show what a part is worth."""
    variants = {ablation.without for ablation in ABLATIONS} - set(CATALOGUE)
    return [name for name in names if name not in variants]


def entry_of(name: str) -> Entry:
    """What is known of a method, also of one that the catalogue does not name."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    sampler, pruner = split(name)
    whole = CATALOGUE.get(sampler.removesuffix("+thaw"), Entry("ours", "A part of smbo-gp left out."))
    stopping = f" Trainings are stopped by {pruner}." if pruner else ""
    thawing = " Stopped trainings may go on." if sampler.endswith("+thaw") else ""
    return Entry(whole.family, whole.text + stopping + thawing, in_all=False)


def _stops(name: str) -> bool:
    return "+" in name
