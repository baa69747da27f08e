"""Estimators of a network's final value from its graph."""

from __future__ import annotations
