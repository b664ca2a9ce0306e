"""What looking after the file leaves behind: runs, backups, rules of retention, receipts."""

from .backups import Backup
from .retention import Erasure, RetentionAction, RetentionRule
from .runs import MaintenanceRun, RunKind, RunStatus

__all__ = [
    "Backup",
    "Erasure",
    "MaintenanceRun",
    "RetentionAction",
    "RetentionRule",
    "RunKind",
    "RunStatus",
]
