"""The networks of MnasNet (Tan et al., CVPR 2019): a mobile network that the graph describes whole."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from predictors.graph import ArchGraph
from smbo_nas.networks.layers import ConvBN, Head
from smbo_nas.networks.skeletons.chain import node_attribute, whole_body


def mnasnet(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 32,
    reductions: int = 5,
    features: int = 1280,
) -> nn.Module:
    """Stem, the graph's own nodes, a 1x1 convolution, global average pooling, classifier.

    A node has the attributes `stride` and `width`, in the units in which the input's `width` is the stem's channels,
    both 1 where the graph has none. The sizes are MobileNetV2's and MnasNet's for
    images of 224 x 224. Departs from them in having no dropout and PyTorch's batch normalisation (momentum 0.1).

    Args:
        graph: The network.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Channels of the stem, which scale those of every node.
        reductions: Most times that height and width are halved. Where the stem and the graph's strides come to more,
            the first of them are left out, as is the custom for small images.
        features: Channels of the last convolution.

    Raises:
        GraphError: When the graph is not one cell with one input, or an attribute is no positive integer.
    """
    width, stride = node_attribute(graph, "width"), node_attribute(graph, "stride")
    level = [1]  # strides up to each node, the stem's and its own included
    for node, before in enumerate(graph.predecessors()[1:], start=1):
        level.append(max((level[k] for k in before), default=1) + (stride[node] > 1))
    left_out = level[-1] - reductions
    body = whole_body(
        graph,
        channels,
        channels=[max(1, round(w * channels / width[0])) for w in width],
        stride=[1 if at <= left_out else s for at, s in zip(level, stride, strict=True)],
        skeleton="mnasnet",
    )
    return nn.Sequential(
        OrderedDict(
            stem=ConvBN(input_shape[0], channels, 3, stride=2 if left_out < 1 else 1, relu="after"),
            body=body,
            features=ConvBN(body.output.channels, features, 1, relu="after"),
            head=Head(features, num_classes),
        )
    )
