"""Convolutions in groups: plain, depthwise, and those of CondenseNet, which learn what each group reads."""

from __future__ import annotations

from math import gcd

from torch import Tensor, nn
from torch.nn import functional

from smbo_nas.networks.layers import Conv


def group_conv(c_in: int, c_out: int, kernel: int, *, stride: int = 1, groups: int) -> nn.Module:
    """A convolution in `groups` groups, or as many of them as divide the channels on both sides."""
    return Conv(c_in, c_out, kernel, stride=stride, groups=gcd(groups, c_in, c_out))


class LearnedGroupConv(nn.Module):
    """A 1x1 convolution in groups of filters that learn which part of the input each of them reads.

    Huang et al., "CondenseNet: An Efficient DenseNet using Learned Group Convolutions", CVPR 2018, sec. 3. Of the input
    channels a group reads the share of 1 / `groups` to which its filters have the largest weights, by the sum of their
    magnitudes. Filters belong to groups by turns, so that a group convolution that follows reads from all. Evaluation
    runs what is left, a selection of channels and a convolution in groups, which costs 1 / `groups` of a dense one.

    Departs from the paper, which trains all weights, drops a part of them at each of a few epochs for good, and adds a
    group lasso to the loss: here the choice is made anew at every step and the weights of what is not read are trained
    on as if it were read (a straight-through estimator), so that there is no schedule to keep. All weights count as
    parameters.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        stride: Stride.
        groups: Number of groups, or as many of them as divide `c_out`; also the factor of condensation.
    """

    def __init__(self, c_in: int, c_out: int, *, stride: int = 1, groups: int) -> None:
        super().__init__()
        self.conv = Conv(c_in, c_out, 1, stride=stride)
        self.groups = gcd(groups, c_out)
        self.reads = -(-c_in // groups)

    def read_channels(self) -> Tensor:
        """The input channels that each group reads, `(groups, ceil(c_in / groups))`, ascending."""
        sizes = self._weight().detach().abs().sum(dim=0)
        return sizes.topk(self.reads, dim=1).indices.sort(dim=1).values

    def _weight(self) -> Tensor:
        """The weights, `(filters of a group, groups, c_in)`."""
        return self.conv.weight.view(-1, self.groups, self.conv.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(b, c_in, h, w)` to `(b, c_out, ceil(h / stride), ceil(w / stride))`."""
        weight, channels = self._weight(), self.read_channels()
        if self.training:
            unread = weight.detach() * weight.new_ones(weight.shape[1:]).scatter(1, channels, 0.0)
            weight = (weight - unread).view_as(self.conv.weight)
            return functional.conv2d(x, weight, stride=self.conv.stride)
        read = weight.transpose(0, 1).gather(2, channels.unsqueeze(1).expand(-1, weight.shape[0], -1))
        y = functional.conv2d(
            x.index_select(1, channels.flatten()),
            read.reshape(self.conv.out_channels, self.reads, 1, 1),
            stride=self.conv.stride,
            groups=self.groups,
        )
        by_group = y.view(len(y), self.groups, -1, *y.shape[2:])
        return by_group.transpose(1, 2).flatten(1, 2)
