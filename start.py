#!/usr/bin/env python3
"""One command to start: `python3 start.py`. One to test: `python3 start.py test`.

Makes `.venv` beside this file, installs the requirements into it, and hands over to
`manage.py quickstart` or to the tests. A second start finds all that done. Needs only Python 3.11.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*command: str | Path) -> None:
    """Become `command`; it gets the terminal, the signals and the exit code."""
    words = [str(word) for word in command]
    if os.name == "nt":  # Windows starts a new process and returns to the shell at once
        sys.exit(subprocess.call(words))
    sys.stdout.flush()
    os.execv(words[0], words)


def use_own_python() -> None:
    """Go on in `.venv`, if there is one and this is the system's Python."""
    if sys.prefix == sys.base_prefix and PYTHON.exists():
        run(PYTHON, *sys.argv)


def need_django() -> None:
    """Raise ImportError that says how to get Django, if this Python has none."""
    if importlib.util.find_spec("django") is None:
        raise ImportError(
            f"This Python ({sys.executable}) has no Django. Run `python3 {ROOT / 'start.py'}` once"
            f" and use {PYTHON}, or: pip install -r {ROOT / 'requirements.txt'}"
        )


def set_up_django() -> None:
    """Load the settings; what is wrong with them is one sentence, and exit code 1."""
    need_django()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")


def install(requirements: str) -> None:
    """Bring `.venv` up to date with a requirements file; nothing to do if it was done before."""
    files = sorted(ROOT.glob("requirements*.txt"))  # some include others
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = VENV / f".{requirements}.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    if not PYTHON.exists():
        if importlib.util.find_spec("ensurepip") is None:
            sys.exit("Python's venv is missing. On Debian and Ubuntu: apt install python3-venv")
        print("Making .venv ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    print(f"Installing {requirements} ...", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", ROOT / requirements]).returncode:
        sys.exit(f"Installing {requirements} failed; what pip says is above.")
    stamp.write_text(wanted)
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - that is what is found out here
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    os.chdir(ROOT)
    if sys.argv[1:2] == ["test"]:
        install("requirements-dev.txt")
        run(PYTHON, ROOT / "sessionsite" / "testing.py", *sys.argv[2:])
    install("requirements.txt")
    run(PYTHON, ROOT / "manage.py", "quickstart", *sys.argv[1:])
