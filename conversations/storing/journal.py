"""What an import writes down about itself while it stores: for its page, a retry, an undo."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from conversations.importers.records import Rejected
from conversations.models import Import, ImportChunk, RejectedRecord

from .chunk import Chunk
from .report import ImportReport

KEPT_BYTES = 256 * 1024**2  # of rejected records in one import, before they are packed


class Cancelled(Exception):
    """Somebody has asked to stop; what is stored stays."""


class Journal:
    """Keeps the row of an import up to date and what would take the import back."""

    def __init__(self, entry: Import, using: str = "default") -> None:
        self.entry = entry
        self.using = using
        self.bytes_done = 0
        self._kept = 0

    def count_bytes(self, count: int) -> None:
        """Take note that so many more bytes were read."""
        self.bytes_done += count

    def note_chunk(self, chunk: Chunk) -> None:
        """Keep what a chunk wrote, inside its own transaction."""
        if not (chunk.sessions or chunk.messages or chunk.steps):
            return
        sessions, messages = list(chunk.sessions), [message[0] for message in chunk.messages]
        ImportChunk.objects.using(self.using).create(
            of=self.entry,
            first_session=min(sessions, default=None),
            last_session=max(sessions, default=None),
            first_message=min(messages, default=None),
            last_message=max(messages, default=None),
            steps=chunk.steps,
        )

    def note_rejected(self, source: str, rejected: Rejected) -> None:
        """Keep a record that could not be read, if it is known what it was."""
        self._kept += len(rejected.content)
        if not source or not rejected.content or self._kept > KEPT_BYTES:
            return
        RejectedRecord.objects.using(self.using).update_or_create(
            digest=hashlib.sha256(source.encode() + b"\0" + rejected.content).hexdigest(),
            defaults={"of": self.entry, "reason": rejected.reason},
            create_defaults={
                "of": self.entry,
                "source": source,
                "place": rejected.place,
                "reason": rejected.reason,
                "content": zlib.compress(rejected.content),
            },
        )

    def note_progress(self, report: ImportReport) -> None:
        """Write how far it is; raises Cancelled if somebody has asked for that."""
        self._write(bytes_done=self.bytes_done, report=report.as_dict(listed=False))
        row = Import.objects.using(self.using).filter(pk=self.entry.pk)
        if row.values_list("is_cancel_asked", flat=True).first():
            raise Cancelled

    def _write(self, **columns: Any) -> None:
        Import.objects.using(self.using).filter(pk=self.entry.pk).update(**columns)
