"""The README's examples print what stands under them."""

import subprocess
import sys
from pathlib import Path


def test_the_readme_is_up_to_date() -> None:
    script = Path(__file__).resolve().parent.parent / "scripts" / "readme.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
