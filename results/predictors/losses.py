"""Which loss ranks best: GNNEnsemble trained on CIFAR-100 of NAS-Bench-201 with each, splits 100 to 103.

python results/predictors/losses.py 78 156 469
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.ranking import pairwise_hinge
from predictors.evaluation import rank_measures
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space

SEEDS = (100, 101, 102, 103)
MEASURES = ("kendall_tau", "n_at_10", "p_at_0.5")

Loss = Callable[[Tensor, Tensor, float], Tensor]
"""From scores `(members, n)`, weights of pairs `(members, n, n)` and a margin to the sum of the members' losses. All
values are measured here, so the weights say which of two is above the other, and nothing else."""


def logistic(predicted: Tensor, weights: Tensor, margin: float) -> Tensor:
    """Burges et al., "Learning to rank using gradient descent" (RankNet), ICML 2005, in units of the margin."""
    short = torch.nn.functional.softplus((predicted[:, None, :] - predicted[:, :, None]) / margin)
    return ((weights * short).sum(dim=(1, 2)) / weights.sum(dim=(1, 2))).sum()


def list_mle(predicted: Tensor, weights: Tensor, margin: float) -> Tensor:
    """Xia et al., "Listwise approach to learning to rank", ICML 2008, in units of the margin, per observation."""
    beaten = weights.sum(dim=2)
    seen = beaten + weights.sum(dim=1) > 0
    worst_first = torch.where(seen, beaten, -1.0).argsort(dim=1)
    scores = predicted.gather(1, worst_first) / margin
    counted = seen.gather(1, worst_first)
    # Of those that are not above it, itself included, the chance of being the best.
    others = torch.logcumsumexp(scores.masked_fill(~counted, -1e4), dim=1)
    return ((others - scores) * counted).sum(dim=1).div(counted.sum(dim=1)).sum()


def discounted_hinge(predicted: Tensor, weights: Tensor, margin: float) -> Tensor:
    """The hinge with pairs weighted as the rank of the better one is in the discounted gain: 1 / log2(1 + rank)."""
    rank = 1.0 + weights.sum(dim=1)
    return pairwise_hinge(predicted, weights / torch.log2(1.0 + rank)[:, :, None], margin)


def lambda_hinge(predicted: Tensor, weights: Tensor, margin: float) -> Tensor:
    """The hinge with pairs weighted by what swapping them costs in discounted gain, at the true ranks.

    After Burges et al., "Learning to rank with nonsmooth cost functions" (LambdaRank), NIPS 2006.
    """
    discount = 1.0 / torch.log2(2.0 + weights.sum(dim=1))
    return pairwise_hinge(predicted, weights * (discount[:, :, None] - discount[:, None, :]).abs(), margin)


LOSSES: dict[str, Loss] = {
    "hinge": pairwise_hinge,
    "logistic": logistic,
    "ListMLE": list_mle,
    "hinge, discounted": discounted_hinge,
    "hinge, as LambdaRank": lambda_hinge,
}


def main(sizes: Sequence[int]) -> None:
    """Writes a table of mean (standard deviation) over the splits."""
    space = NASBench201Space()
    graphs = [space.graph(params) for params in space.enumerate()]
    y = load_table("cifar100").mean_val_acc
    sys.stdout.write(f"| loss | cells | {' | '.join(MEASURES)} |\n|{'---|' * (2 + len(MEASURES))}\n")
    for size in sizes:
        for name, loss in LOSSES.items():
            runs = []
            for seed in SEEDS:
                order = np.random.default_rng(seed).permutation(len(y))  # the splits of `predictors.evaluation`
                trained, rest = order[:size], order[size:]
                gnn = GNNEnsemble(ops=space.operations, random_state=seed)
                with patch("predictors.architecture.gnn.pairwise_hinge", loss):
                    gnn.fit([graphs[k] for k in trained], y[trained])
                runs.append(rank_measures(gnn.predict([graphs[k] for k in rest]), y[rest]))
            told = [[run[measure] for run in runs] for measure in MEASURES]
            cells = " | ".join(f"{np.mean(each):.3f} ({np.std(each, ddof=1):.3f})" for each in told)
            sys.stdout.write(f"| {name} | {size} | {cells} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
