"""Search spaces: what networks may look like."""

from __future__ import annotations
