"""The networks of BlockQNN: Zhong et al., CVPR 2018, sec. 3.1 and figure 3."""

from __future__ import annotations

from torch import nn

from predictors.graph import ArchGraph
from smbo_nas.networks.skeletons.uniform import bring_to, stages_of_cells


def _transition(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), bring_to(c_in, c_out, 1))


def block_qnn(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 32,
    blocks_per_stage: int = 4,
    stages: int = 3,
) -> nn.Module:
    """Stem, `stages` stages of blocks with 2x2 max pooling between them, global average pooling, classifier.

    The channels double from stage to stage. Departures, where the paper leaves channels open or we could not check it:
    every map of a block has the stage's channels; so a concatenation is projected where an operation or the block's
    output reads it, and so is what a pooling between stages returns (ReLU, 1x1 convolution, batch normalisation, as the
    paper's convolutions are built). Batch normalisation and ReLU come before the head.

    Args:
        graph: The block.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Channels of the first stage.
        blocks_per_stage: Blocks in each stage, N.
        stages: Number of resolutions.

    Raises:
        GraphError: When the graph is not one cell with one input.
    """
    return stages_of_cells(
        graph,
        _transition,
        skeleton="blockqnn",
        c_in=input_shape[0],
        num_classes=num_classes,
        channels=channels,
        cells_per_stage=blocks_per_stage,
        stages=stages,
    )
