#!/usr/bin/env python3
"""Django's command line: `python manage.py help` lists what there is."""

import os
import sys

from start import use_own_python

if __name__ == "__main__":
    use_own_python()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
