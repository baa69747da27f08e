"""`python -m predictors`."""

from __future__ import annotations

from predictors.cli import main

if __name__ == "__main__":
    main()
