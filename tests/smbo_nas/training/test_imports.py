from __future__ import annotations

import subprocess
import sys


def test_heavy_packages_wait_until_they_are_needed() -> None:
    code = (
        "import sys, smbo_nas.training; heavy = {'sklearn', 'mlxtend', 'PIL', 'scipy'}; print(heavy & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
