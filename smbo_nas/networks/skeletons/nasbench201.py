"""The networks of NAS-Bench-201: Dong and Yang, ICLR 2020, sec. 2.1 and figure 1."""

from __future__ import annotations

from torch import Tensor, nn

from predictors.graph import ArchGraph
from smbo_nas.networks.layers import Conv, ConvBN
from smbo_nas.networks.skeletons.uniform import stages_of_cells


class ResidualBlock(nn.Module):
    """ResNet's basic block of stride 2 with the 2x2 average pooling and 1x1 convolution as its shortcut.

    Odd maps are pooled up to the next size, as the convolutions round theirs.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv_0 = ConvBN(c_in, c_out, 3, stride=2, relu="before")
        self.conv_1 = ConvBN(c_out, c_out, 3, relu="before")
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), Conv(c_in, c_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / 2), ceil(w / 2))`."""
        y: Tensor = self.shortcut(x) + self.conv_1(self.conv_0(x))
        return y


def nasbench201(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 16,
    cells_per_stage: int = 5,
    stages: int = 3,
) -> nn.Module:
    """Stem, `stages` stages of cells with residual blocks of stride 2 between them, global average pooling, classifier.

    The channels double from stage to stage. Any graph of one cell with one input will do.

    Args:
        graph: The cell.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Channels of the first stage, C.
        cells_per_stage: Cells in each stage, N.
        stages: Number of resolutions.

    Raises:
        GraphError: When the graph is not one cell with one input.
    """
    return stages_of_cells(
        graph,
        ResidualBlock,
        skeleton="nasbench201",
        c_in=input_shape[0],
        num_classes=num_classes,
        channels=channels,
        cells_per_stage=cells_per_stage,
        stages=stages,
    )
