"""What every command of this program shares: exit codes, errors, output.

Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 failed,
2 called the wrong way, 3 done but some records were rejected, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from .databases import files
from .errors import SessionsError, explained

FAILED, USAGE, REJECTED, INTERRUPTED = 1, 2, 3, 130


class Command(BaseCommand):
    """A command whose errors are sentences."""

    requires_system_checks = []  # quick to start; `manage.py check` and `migrate` run them
    needs_database = False  # whether there must be one already

    def execute(self, *args, **options):
        self.verbosity = options["verbosity"]
        try:
            with explained("default"):
                if self.needs_database:
                    files.require("default")
                result = super().execute(*args, **options)
                self.stdout.flush()
                return result
        except (SessionsError, ImproperlyConfigured) as error:
            raise CommandError(printable(str(error)), returncode=FAILED) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from error
        except BrokenPipeError:
            # Whoever read our output has seen enough (`| head`). Python would complain once more
            # when it flushes at exit, so the output goes nowhere from here on.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except OSError as error:
            raise CommandError(describe(error), returncode=FAILED) from error

    def say(self, text: str, *, level: int = 1) -> None:
        """Write a line for people, on standard error, unless `-v` is below `level`."""
        if self.verbosity >= level:
            self.stderr.write(printable(text), self.style.NOTICE)

    def print(self, text: str = "") -> None:
        """Write a line of the result, on standard output."""
        self.stdout.write(printable(text))

    def print_json(self, value: Any) -> None:
        """Write the result as JSON, on standard output."""
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def add_format(parser) -> None:
    """Add the choice between text for people and JSON for programs."""
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--json", action="store_const", const="json", dest="format")


def printable(text: str) -> str:
    """Return `text` as any terminal can print it: half characters replaced."""
    return text.encode("utf-8", "replace").decode()


def dollars(amount: Decimal) -> str:
    """Return USD with every digit there is, at the least two, for people."""
    whole, _, rest = f"{abs(amount):,f}".partition(".")
    sign = "-" if amount < 0 else ""
    return f"{sign}${whole}.{rest.rstrip('0'):<02}"


def exact(amount: Decimal) -> str:
    """Return USD with every digit there is, without zeros at its end, for programs."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def describe(error: OSError) -> str:
    """Return what an OSError means, with the file it is about."""
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}"
