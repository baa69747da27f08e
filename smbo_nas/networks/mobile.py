"""The building blocks of mobile networks: separable convolutions, inverted bottlenecks, squeeze and excitation."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu

from smbo_nas.networks.layers import Conv, ConvBN

SQUEEZE = 0.25
"""Squeezed channels, as a share of the channels that enter the layer."""


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate that is worked out from the means of all of them (Hu et al., CVPR 2018, sec. 3).

    Args:
        channels: Channels of the map.
        squeezed: Width of the gate's hidden layer.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, channels, h, w)` to the same shape."""
        gate: Tensor = self.excite(relu(self.squeeze(x.mean(dim=(2, 3))))).sigmoid()
        return x * gate[:, :, None, None]


def _squeeze_excite(c_in: int, channels: int) -> SqueezeExcite:
    return SqueezeExcite(channels, max(1, int(SQUEEZE * c_in)))


class MobileConv(nn.Module):
    """MobileNetV2's inverted bottleneck, without the shortcut around it, which the graph has.

    A 1x1 convolution widens the map, a depthwise one follows, and a 1x1 convolution without ReLU narrows it: Sandler et
    al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, sec. 3.3. With `expansion` 1 nothing is
    widened, which is a depthwise separable convolution.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        kernel: Odd kernel size of the depthwise convolution.
        stride: Its stride.
        expansion: Channels of the depthwise convolution, in units of `c_in`.
        squeeze: Whether squeeze and excitation comes after the depthwise convolution, as in MnasNet.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, expansion: int = 1, squeeze: bool = False
    ) -> None:
        super().__init__()
        wide = expansion * c_in
        self.expand = ConvBN(c_in, wide, 1, relu="after") if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride=stride, groups=wide)
        self.norm = nn.BatchNorm2d(wide)
        self.squeeze = _squeeze_excite(c_in, wide) if squeeze else None
        self.project = ConvBN(wide, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        if self.expand is not None:
            x = self.expand(x)
        x = relu(self.norm(self.depthwise(x)), inplace=True)
        if self.squeeze is not None:
            x = self.squeeze(x)
        y: Tensor = self.project(x)
        return y


class SqueezedConv(nn.Sequential):
    """Convolution, batch normalisation, ReLU, squeeze and excitation."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__(ConvBN(c_in, c_out, kernel, stride=stride, relu="after"), _squeeze_excite(c_in, c_out))
