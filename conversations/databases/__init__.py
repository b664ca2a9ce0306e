"""What differs between databases, one module each, named as Django names the vendor.

`of(connection)` returns the module. Each has: `split`, `installed`, `drop`, `rebuild` for the
schema; `reserve_ids`, `with_list`, `bulk_load`, `catch_up` for the import; `explain` for errors.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def of(connection) -> ModuleType:
    """Return the module for the connection's database."""
    return import_module(f"{__name__}.{connection.vendor}")
