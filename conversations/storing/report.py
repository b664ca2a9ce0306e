"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from conversations.importers.records import Rejected, Skipped

LISTED = 1_000  # of skipped and of rejected records, the first so many are listed


@dataclass
class ImportReport:
    """Sessions by outcome, messages written, what was left out and why."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    messages_new: int = 0
    messages_updated: int = 0
    skipped_records: list[Skipped] = field(default_factory=list)
    failed_records: list[Rejected] = field(default_factory=list)

    def note(self, item: Skipped | Rejected) -> None:
        """Count what was left out; the first thousand of a kind are listed."""
        if isinstance(item, Skipped):
            self.skipped += 1
            listed = self.skipped_records
        else:
            self.failed += 1
            listed = self.failed_records
        if len(listed) < LISTED:
            # Without the record itself, which may be large.
            listed.append(type(item)(item.place, item.reason))

    @property
    def found(self) -> int:
        """How many sessions were found in what was given, new or not."""
        return self.new + self.updated + self.unchanged

    def as_dict(self, *, listed: bool = True) -> dict[str, Any]:
        """Return the report for programs; what was left out by place and reason, if `listed`."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("skipped_records", "failed_records"):
            if not listed:
                del found[name]
                continue
            found[name] = [{"place": item.place, "reason": item.reason} for item in found[name]]
        return found
