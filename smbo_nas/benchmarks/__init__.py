"""Tables of trained networks: objectives whose optimum is known."""

from __future__ import annotations
