"""The building blocks of the papers' networks: convolutions with batch normalisation, pooling, shortcuts, the head.

Feature maps are `(batch, channels, height, width)`. A layer of stride s turns height h into ceil(h / s), whatever h
is, so that branches always meet in the same shape and no map shrinks below one pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu


class Conv(nn.Conv2d):
    """A convolution without bias and with `same` padding, initialised as in He et al. (2015), fan-in, normal.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        kernel: Odd kernel size, or its height and width.
        stride: Stride, or its height and width.
        dilation: Distance of the kernel's taps.
        groups: `c_in` for a depthwise convolution.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (dilation * (height - 1) // 2, dilation * (width - 1) // 2)
        super().__init__(
            c_in, c_out, (height, width), stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False
        )

    def reset_parameters(self) -> None:
        """Draws the weights anew."""
        if not self.weight.is_meta:  # where there is nothing to draw, PyTorch still takes its time
            nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")


class ConvBN(nn.Module):
    """Convolution, batch normalisation; `relu` may come first (`"before"`), last (`"after"`) or not at all (None)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, relu: str | None = None) -> None:
        super().__init__()
        if relu not in (None, "before", "after"):
            raise ValueError(f"`relu` must be 'before', 'after' or None, but got {relu!r}.")
        self.conv = Conv(c_in, c_out, kernel, stride=stride)
        self.norm = nn.BatchNorm2d(c_out)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        if self.relu == "before":
            x = relu(x)
        x = self.norm(self.conv(x))
        return relu(x, inplace=True) if self.relu == "after" else x


class SeparableConvBN(nn.Module):
    """ReLU, depthwise convolution, 1x1 convolution, batch normalisation (one half of DARTS' `sep_conv`)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise = Conv(c_in, c_in, kernel, stride=stride, dilation=dilation, groups=c_in)
        self.pointwise = Conv(c_in, c_out, 1)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        y: Tensor = self.norm(self.pointwise(self.depthwise(relu(x))))
        return y


class AsymmetricConvBN(nn.Module):
    """ReLU, a 1 x k and a k x 1 convolution, batch normalisation (NASNet's `1x7 then 7x1`)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.row = Conv(c_in, c_out, (1, kernel), stride=(1, stride))
        self.column = Conv(c_out, c_out, (kernel, 1), stride=(stride, 1))
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        y: Tensor = self.norm(self.column(self.row(relu(x))))
        return y


class FactorizedReduce(nn.Module):
    """An identity of stride 2: two 1x1 convolutions of stride 2, one shifted by a pixel, side by side."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        if c_out < 2:
            raise ValueError(f"a factorized reduction needs at least 2 output channels, but got {c_out}.")
        self.conv_0 = Conv(c_in, c_out // 2, 1, stride=2)
        self.conv_1 = Conv(c_in, c_out - c_out // 2, 1, stride=2)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / 2), ceil(w / 2))`."""
        x = relu(x)
        height, width = x.shape[2:]
        shifted = pad(x, (0, width % 2, 0, height % 2))[:, :, 1:, 1:]
        y: Tensor = self.norm(torch.cat([self.conv_0(x), self.conv_1(shifted)], dim=1))
        return y


class Zero(nn.Module):
    """No signal: zeros of the shape that an operation with these arguments would return."""

    def __init__(self, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.c_out = c_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to zeros `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        height, width = (-(-size // self.stride) for size in x.shape[2:])
        return x.new_zeros(x.shape[0], self.c_out, height, width)


class Truncate(nn.Module):
    """Keeps the first channels (NAS-Bench-101's edges between vertices of different width)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c, h, w)` to `(b, channels, h, w)`."""
        return x[:, : self.channels]


class DropPath(nn.Module):
    """Drops a whole path per image while training and scales the others up (Larsson et al., FractalNet, 2017).

    DARTS raises the probability linearly over the epochs: set `probability` of each `DropPath` in `network.modules()`.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c, h, w)` to the same shape."""
        if not self.training or self.probability <= 0.0:
            return x
        keep = 1.0 - self.probability
        return x * x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(keep).div_(keep)


class Head(nn.Module):
    """Global average pooling and a linear classifier; `norm_relu` puts batch normalisation and ReLU first."""

    def __init__(self, channels: int, num_classes: int, *, norm_relu: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels) if norm_relu else None
        self.linear = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, channels, h, w)` to logits `(b, num_classes)`."""
        if self.norm is not None:
            x = relu(self.norm(x), inplace=True)
        logits: Tensor = self.linear(x.mean(dim=(2, 3)))
        return logits
