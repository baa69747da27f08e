"""Graphs as numbers: padded batch tensors, and counts of structure."""

from __future__ import annotations
