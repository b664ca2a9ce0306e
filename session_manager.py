#!/usr/bin/env python3
"""The Python API, `from session_manager import SessionManager`, and its command line.

    python session_manager.py create "My First Chat" --model gpt-4 --provider openai

The same verbs are `python manage.py sessions`.
"""

import os
import sys

from start import need_django, set_up_django, use_own_python

if __name__ == "__main__":
    use_own_python()
    set_up_django()

need_django()

import django  # noqa: E402
from django.apps import apps  # noqa: E402

if not apps.ready:  # imported by a program that is not Django itself
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")
    django.setup()

from sessionsite.manager import SessionManager  # noqa: E402

__all__ = ["SessionManager"]

if __name__ == "__main__":
    from sessionsite.management.commands.sessions import Command

    Command().run_from_argv([sys.argv[0], "", *sys.argv[1:]])
