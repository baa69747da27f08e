from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of noisy 8x8 stripes, 240 images: learned in a few epochs of a tenth of a second."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = rng.normal(0, 0.8, size=(240, 8, 8)).astype(np.float32)
    images[labels == 0, ::2] += 1.0
    images[labels == 1, :, ::2] += 1.0
    path = tmp_path_factory.mktemp("data") / "stripes.npz"
    np.savez(path, images=images, labels=labels)
    return path
