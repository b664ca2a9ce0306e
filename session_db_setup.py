#!/usr/bin/env python3
"""Making and looking after a database file.

    python session_db_setup.py init|info|migrate|backup|restore|maintenance

The same verbs are `python manage.py database`.
"""

import sys

from start import set_up_django, use_own_python

if __name__ == "__main__":
    use_own_python()
    set_up_django()
    from sessionsite.management.commands.database import Command

    Command().run_from_argv([sys.argv[0], "", *sys.argv[1:]])
