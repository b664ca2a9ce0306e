#!/usr/bin/env python3
"""Django's command line: `python manage.py help` lists what there is."""

import sys

from start import set_up_django, use_own_python

if __name__ == "__main__":
    use_own_python()
    set_up_django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
