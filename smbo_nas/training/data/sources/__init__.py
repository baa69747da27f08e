"""Where images come from; each module reads one kind of source into a ``RawData``."""

from __future__ import annotations
