"""Pages of those who look after the file."""

from .backups import delete, download, list_backups, restore
from .overview import list_runs, overview, show_run, show_sizes, start
from .retention import (
    delete_rule,
    edit_rule,
    list_erasures,
    list_rules,
    new_rule,
    show_erasure,
)

__all__ = [
    "delete", "delete_rule", "download", "edit_rule", "list_backups", "list_erasures",
    "list_rules", "list_runs", "new_rule", "overview", "restore", "show_erasure", "show_run",
    "show_sizes", "start",
]  # fmt: skip
