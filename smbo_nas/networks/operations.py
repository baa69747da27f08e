"""The operations that nodes of a graph may carry, by the names the papers give them.

An operation is a factory `(c_in, c_out, stride) -> nn.Module` whose module turns `(b, c_in, h, w)` into
`(b, c_out, ceil(h / stride), ceil(w / stride))`. Add your own with `register_operation`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from predictors.graph import CONCAT, OUTPUT, SUM, GraphError, is_input
from smbo_nas.networks.condensed import LearnedGroupConv, group_conv
from smbo_nas.networks.layers import AsymmetricConvBN, ConvBN, FactorizedReduce, SeparableConvBN, Zero
from smbo_nas.networks.mobile import MobileConv, SqueezedConv

OperationFactory = Callable[[int, int, int], nn.Module]


def _conv(kernel: int, relu: str) -> OperationFactory:
    return lambda c_in, c_out, stride: ConvBN(c_in, c_out, kernel, stride=stride, relu=relu)


def _separable(kernel: int) -> OperationFactory:
    """DARTS applies the separable convolution twice, the stride in the first."""
    return lambda c_in, c_out, stride: nn.Sequential(
        SeparableConvBN(c_in, c_in, kernel, stride=stride), SeparableConvBN(c_in, c_out, kernel)
    )


def _dilated(kernel: int) -> OperationFactory:
    return lambda c_in, c_out, stride: SeparableConvBN(c_in, c_out, kernel, stride=stride, dilation=2)


def _mobile(kernel: int, expansion: int, squeeze: bool) -> OperationFactory:
    return lambda c_in, c_out, stride: MobileConv(
        c_in, c_out, kernel, stride=stride, expansion=expansion, squeeze=squeeze
    )


def _squeezed(kernel: int) -> OperationFactory:
    return lambda c_in, c_out, stride: SqueezedConv(c_in, c_out, kernel, stride=stride)


def _normalization(*, relu: bool) -> OperationFactory:
    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        norm = nn.Sequential(nn.BatchNorm2d(c_out), *[nn.ReLU(inplace=True)] * relu)
        return norm if stride == 1 and c_in == c_out else nn.Sequential(_factorized_reduce(c_in, c_out, stride), norm)

    return factory


def _grouped(kernel: int, groups: int) -> OperationFactory:
    return lambda c_in, c_out, stride: group_conv(c_in, c_out, kernel, stride=stride, groups=groups)


def _pool(make: Callable[[int], nn.Module]) -> OperationFactory:
    """Pooling; a change of width needs a ReLU-conv1x1-BN first, as in NAS-Bench-201."""

    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        if c_in == c_out:
            return make(stride)
        return nn.Sequential(ConvBN(c_in, c_out, 1, relu="before"), make(stride))

    return factory


def _identity(c_in: int, c_out: int, stride: int) -> nn.Module:
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return _factorized_reduce(c_in, c_out, stride)


def _factorized_reduce(c_in: int, c_out: int, stride: int) -> nn.Module:
    if stride == 2:
        return FactorizedReduce(c_in, c_out)
    return ConvBN(c_in, c_out, 1, stride=stride, relu="before")


_max_pool = _pool(lambda stride: nn.MaxPool2d(3, stride=stride, padding=1))
_avg_pool = _pool(lambda stride: nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False))

_OPERATIONS: dict[str, OperationFactory] = {
    # every space
    "none": lambda _, c_out, stride: Zero(c_out, stride),
    "zero": lambda _, c_out, stride: Zero(c_out, stride),
    "identity": _identity,
    "skip_connect": _identity,
    "factorized_reduce": _factorized_reduce,
    "avg_pool_3x3": _avg_pool,
    "max_pool_3x3": _max_pool,
    # NAS-Bench-201
    "nor_conv_1x1": _conv(1, "before"),
    "nor_conv_3x3": _conv(3, "before"),
    # BlockQNN
    "nor_conv_5x5": _conv(5, "before"),
    # DARTS, NASNet, PNAS
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "conv_1x7_7x1": lambda c_in, c_out, stride: AsymmetricConvBN(c_in, c_out, 7, stride=stride),
    # NAS-Bench-101
    "conv1x1-bn-relu": _conv(1, "after"),
    "conv3x3-bn-relu": _conv(3, "after"),
    "maxpool3x3": _max_pool,
    # plain convolutional networks
    "conv_1x1": _conv(1, "after"),
    "conv_3x3": _conv(3, "after"),
    "conv_5x5": _conv(5, "after"),
    "conv_7x7": _conv(7, "after"),
    # DPP-Net: normalisation and convolution apart; CondenseNet has four groups
    "bn_relu": _normalization(relu=True),
    "bn": _normalization(relu=False),
    "bare_conv_1x1": _grouped(1, 1),
    "bare_conv_3x3": _grouped(3, 1),
    "group_conv_1x1": _grouped(1, 4),
    "group_conv_3x3": _grouped(3, 4),
    "learned_group_conv_1x1": lambda c_in, c_out, stride: LearnedGroupConv(c_in, c_out, stride=stride, groups=4),
    "depthwise_conv_3x3": lambda c_in, c_out, stride: group_conv(c_in, c_out, 3, stride=stride, groups=c_in),
    # MnasNet: with `_se`, squeeze and excitation
    "conv_3x3_se": _squeezed(3),
    "conv_5x5_se": _squeezed(5),
    **{
        f"{kind}_{kernel}x{kernel}{'_se' * squeeze}": _mobile(kernel, expansion, squeeze)
        for kind, expansion in (("dconv", 1), ("mbconv3", 3), ("mbconv6", 6))
        for kernel in (3, 5)
        for squeeze in (False, True)
    },
}


def known_operations() -> tuple[str, ...]:
    """The names of all operations, the registered ones included."""
    return tuple(_OPERATIONS)


def register_operation(name: str, factory: OperationFactory, *, replace: bool = False) -> None:
    """Makes `name` an operation that graphs may carry, in this process.

    Args:
        name: What the nodes of a graph are labelled with.
        factory: `(c_in, c_out, stride) -> nn.Module`. Its module must not write into its input, which other nodes read.
        replace: Whether `name` may already be an operation.

    Raises:
        ValueError: When the name is taken, or is a label of inputs, outputs or merges.
    """
    if not name or is_input(name) or name in (OUTPUT, SUM, CONCAT):
        raise ValueError(f"an operation cannot be called {name!r}: graphs use this label for something else.")
    if name in _OPERATIONS and not replace:
        raise ValueError(f"operation {name!r} exists; pass `replace=True` to change it.")
    _OPERATIONS[name] = factory


def make_operation(name: str, c_in: int, c_out: int, stride: int = 1) -> nn.Module:
    """The module of an operation: `(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`.

    Raises:
        GraphError: When there is no such operation.
    """
    if name not in _OPERATIONS:
        raise GraphError(f"unknown operation {name!r}; known operations: {', '.join(sorted(_OPERATIONS))}.")
    return _OPERATIONS[name](c_in, c_out, stride)
