"""`python -m smbo_nas` is `smbo-nas`."""

from __future__ import annotations

from smbo_nas.cli import main

if __name__ == "__main__":
    main()
