"""The networks of MnasNet (Tan et al., CVPR 2019): a mobile network that the graph describes whole."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from predictors.graph import ArchGraph
from smbo_nas.networks.layers import ConvBN, Head
from smbo_nas.networks.skeletons.chain import whole_body


def mnasnet(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 32,
    stem_stride: int = 2,
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
        stem_stride: Stride of the stem; 1 suits small images.
        features: Channels of the last convolution.

    Raises:
        GraphError: When the graph is not one cell with one input, or an attribute is no positive integer.
    """
    unit = (graph.attribute("width") or (1.0,))[0]
    body = whole_body(graph, channels, lambda width: max(1, round(width * channels / unit)), skeleton="mnasnet")
    return nn.Sequential(
        OrderedDict(
            stem=ConvBN(input_shape[0], channels, 3, stride=stem_stride, relu="after"),
            body=body,
            features=ConvBN(body.output.channels, features, 1, relu="after"),
            head=Head(features, num_classes),
        )
    )
