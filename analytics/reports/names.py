"""What the keys of roll-ups are called on pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conversations.models import CostBasis, LanguageModel, Project
from conversations.sources import HERE, SOURCES

NO_MODEL, NO_PROJECT, NO_BASIS = "No model", "No project", "Recorded"
UNKNOWN = "#{}"  # of a row that has been deleted


def namer(key: str, ids: Iterable[object], *, using: str = "default") -> Callable[[object], str]:
    """Return a function from a value of the key, such as a model's id, to its name."""
    match key:
        case "model_id":
            rows = LanguageModel.objects.using(using).in_bulk(_ids(ids))
            return lambda id: _name(rows, id, NO_MODEL)
        case "project_id":
            rows = Project.objects.using(using).in_bulk(_ids(ids))
            return lambda id: _name(rows, id, NO_PROJECT)
        case "basis_id":
            rows = CostBasis.objects.using(using).in_bulk(_ids(ids))
            return lambda id: _name(rows, id, NO_BASIS)
        case "source":
            labels = source_labels()
            return lambda source: labels.get(source, str(source))
    return str


def source_labels() -> dict[str, str]:
    """Return the labels of sources by what `sessions.source` holds; "" is made here."""
    return {("" if key == HERE else key): label for key, label in SOURCES}


def _ids(ids: Iterable[object]) -> list[int]:
    return [id for id in ids if isinstance(id, int) and id]


def _name(rows: dict, id: object, nothing: str) -> str:
    if not id:
        return nothing
    return str(rows[id]) if id in rows else UNKNOWN.format(id)
