"""Rows of Parquet files. Reading them needs pyarrow, which is not installed with the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from ..records import Rejected
from ..values.fields import Unusable
from ..values.text import clean
from .dataset_rows import Row
from .files import PlainFile, SourceFile, reason_of, spool

SIGNATURE = b"PAR1"
NOT_INSTALLED = "needs pyarrow: pip install -r requirements-parquet.txt"
BATCH_ROWS = 256


def parquet_rows(file: SourceFile) -> Iterator[Row | Rejected]:
    """Yield the rows of a Parquet file as JSON values, and those that cannot be read.

    A row group can be larger than memory, so it is read a few hundred rows at a time. Raises
    UnreadableFile.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        yield Rejected(file.name, NOT_INSTALLED)
        return
    number = 0
    try:
        source = _seekable(file)
        with source.open() as stream:
            table = parquet.ParquetFile(stream)
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                for place in range(batch.num_rows):
                    number += 1
                    yield _row(batch.slice(place, 1), f"{file.name}, record {number}")
    except (arrow.ArrowException, OSError, ValueError, MemoryError) as error:
        yield Rejected(f"{file.name}, record {number + 1}", f"not Parquet: {reason_of(error)}")
    except Unusable as error:
        yield Rejected(file.name, str(error))


def _seekable(file: SourceFile) -> SourceFile:
    """Return a file whose end can be read first, where a Parquet file has its index."""
    with file.open(counted=False) as stream:
        if stream.seekable():
            return file
        copy = spool(stream)
    if isinstance(copy, Rejected):
        raise Unusable(copy.reason)
    return PlainFile(copy.path, copy.size, label=file.name, spooled=copy.spooled)


def _row(slice: Any, place: str) -> Row | Rejected:
    try:
        [row] = slice.to_pylist()
        content = orjson.dumps(row, default=_plain)
        return Row(place, clean(orjson.loads(content)), lambda: content)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return Rejected(place, reason_of(error))


def _plain(value: Any) -> Any:
    """Return for JSON what it does not know: decimals as numbers, bytes as what they were."""
    if isinstance(value, bytes):
        return {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
