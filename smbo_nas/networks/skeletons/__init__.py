"""How cells are stacked into networks: one module per paper."""

from __future__ import annotations
