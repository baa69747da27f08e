"""The networks of NASNet (Zoph et al., CVPR 2018), PNAS (Liu et al., ECCV 2018) and DARTS (Liu et al., ICLR 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks.cell import CellGraph
from smbo_nas.networks.layers import ConvBN, Head
from smbo_nas.networks.skeletons.uniform import bring_to, uniform_cell


class TwoInputCell(nn.Module):
    """A cell that reads the outputs of the two cells before it, each brought to the cell's width first.

    Args:
        graph: The cell; `input_0` is c_{k-2} and `input_1` is c_{k-1}. A cell with one input reads c_{k-1}.
        c_before: Channels of c_{k-2} and c_{k-1}.
        channels: Width of the cell.
        reduce: Whether this cell halves height and width.
        reduced_before: Whether the cell before did, so that c_{k-2} is twice as high and wide as c_{k-1}.
        drop_path: Probability of dropping each operation that is not an identity.
    """

    def __init__(
        self,
        graph: CellGraph,
        c_before: tuple[int, int],
        channels: int,
        *,
        reduce: bool,
        reduced_before: bool,
        drop_path: float,
    ) -> None:
        super().__init__()
        strides = (2 if reduced_before else 1, 1)[-graph.n_inputs :]
        widths = c_before[-graph.n_inputs :]
        self.preprocess = nn.ModuleList(bring_to(c, channels, s) for c, s in zip(widths, strides, strict=True))
        self.cell = uniform_cell(graph, channels, reduce=reduce, drop_path=drop_path)

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.cell.output.channels

    def forward(self, s0: Tensor, s1: Tensor) -> Tensor:
        """Maps of c_{k-2} and c_{k-1}, to the cell's output."""
        maps = (s0, s1)[-len(self.preprocess) :]
        steps = zip(self.preprocess, maps, self.cell.uses, strict=True)
        out: Tensor = self.cell(*[preprocess(x) if used else x for preprocess, x, used in steps])
        return out


class AuxiliaryHead(nn.Module):
    """DARTS' auxiliary classifier: 2 x 2 average pooling, two convolutions, linear.

    The authors pool 8 x 8 maps by windows of 5; adaptive pooling does the like for maps of any size.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.conv_0 = ConvBN(channels, 128, 1, relu="after")
        self.conv_1 = nn.Conv2d(128, 768, 2, bias=False)
        self.norm = nn.BatchNorm2d(768)
        self.linear = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, channels, h, w)` to logits `(b, num_classes)`."""
        x = self.conv_0(self.pool(relu(x)))
        logits: Tensor = self.linear(relu(self.norm(self.conv_1(x))).flatten(1))
        return logits


class NASNetNetwork(nn.Module):
    """Stem, cells, classifier, and the auxiliary classifier that only training reads."""

    def __init__(
        self, stem: nn.Module, cells: list[TwoInputCell], head: nn.Module, auxiliary: tuple[int, nn.Module] | None
    ) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)
        self.head = head
        self.auxiliary_after = auxiliary[0] if auxiliary else None
        self.auxiliary = auxiliary[1] if auxiliary else None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Images `(b, c, h, w)` to logits `(b, num_classes)`; with the auxiliary ones while training, if there are."""
        s0 = s1 = self.stem(x)
        auxiliary = None
        for k, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1)
            if k == self.auxiliary_after and self.training and self.auxiliary is not None:
                auxiliary = self.auxiliary(s1)
        logits: Tensor = self.head(s1)
        return logits if auxiliary is None else (logits, auxiliary)


def nasnet(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 36,
    layers: int = 20,
    stem_multiplier: int = 3,
    auxiliary: bool = False,
    drop_path: float = 0.0,
) -> nn.Module:
    """Stem, `layers` cells of which those at a third and two thirds reduce, global average pooling, classifier.

    The channels double at each reduction. A graph of two cells gives the normal and the reduction cell; a graph of one
    cell is both, with stride 2 where it reduces, as in PNAS. With the papers' N, `layers` is 3 N in PNAS, where each
    later third begins with its reduction, and 3 N + 2 in NASNet and DARTS, where reductions stand between the thirds.

    Args:
        graph: The cells.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Width of the first cells, C in DARTS and F in NASNet.
        layers: Number of cells.
        stem_multiplier: Channels of the stem, in units of `channels`.
        auxiliary: Whether training also returns the logits of an auxiliary classifier after the second reduction:
            `(logits, auxiliary_logits)`. The papers weight its loss by 0.4.
        drop_path: Probability of dropping a path; see `DropPath`. DARTS trains with up to 0.2.

    Raises:
        GraphError: When the graph has more than two cells, or a cell more than two inputs.
    """
    n_cells = max(graph.cells) + 1
    cells = [CellGraph.of(graph, k) for k in range(n_cells)]
    if n_cells > 2 or any(cell.n_inputs > 2 for cell in cells):
        raise GraphError("the skeleton 'nasnet' stacks graphs of one or two cells with one or two inputs each.")
    width = channels
    c_before = (stem_multiplier * channels, stem_multiplier * channels)
    reductions = {layers // 3, 2 * layers // 3}
    body: list[TwoInputCell] = []
    for k in range(layers):
        reduce = k in reductions
        width *= 2 if reduce else 1
        cell = TwoInputCell(
            cells[-1] if reduce else cells[0],
            c_before,
            width,
            reduce=reduce,
            reduced_before=k - 1 in reductions,
            drop_path=drop_path,
        )
        c_before = (c_before[1], cell.out_channels)
        body.append(cell)
    after = 2 * layers // 3
    return NASNetNetwork(
        stem=ConvBN(input_shape[0], stem_multiplier * channels, 3),
        cells=body,
        head=Head(c_before[1], num_classes),
        auxiliary=(after, AuxiliaryHead(body[after].out_channels, num_classes)) if auxiliary else None,
    )
