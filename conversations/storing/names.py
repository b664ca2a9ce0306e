"""The projects and models that records name, made when they are first met."""

from __future__ import annotations

from typing import Any

from conversations import changes
from conversations.importers.records import CatalogRecord, MessageRecord, SessionRecord
from conversations.models import LanguageModel, Project

ModelKey = tuple[str, str, str]  # provider, name, version


class Names:
    """The numbers of projects and models by their names; `project` is that of all sessions."""

    def __init__(self, using: str, project: str | None) -> None:
        self.using = using
        self.project = project
        self.forget()

    def forget(self) -> None:
        """Look everything up again: a transaction has been taken back."""
        self.projects: dict[str, int] = {}
        self.models: dict[ModelKey, int] = {}
        self._made: list[changes.Step] = []

    def take_made(self) -> list[changes.Step]:
        """Return what takes back what was made since this was asked last."""
        made, self._made = self._made, []
        return made

    def project_id(self, record: SessionRecord) -> int | None:
        """Return the number of a session's project, None if it has none."""
        name = (self.project or record.project)[:200]
        if name and name not in self.projects:
            self.projects[name] = self._get(Project, {"name": name}, {})
        return self.projects[name] if name else None

    def model_id(self, record: SessionRecord | MessageRecord) -> int | None:
        """Return the number of the model of a session or message, None if it has none."""
        if not record.model:
            return None
        version = record.own.model_version if record.own else ""
        key = (record.provider[:100], record.model[:200], version[:100])
        if key not in self.models:
            names = dict(zip(("provider", "model_name", "model_version"), key, strict=True))
            self.models[key] = self._get(LanguageModel, names, {})
        return self.models[key]

    def add(self, record: CatalogRecord) -> None:
        """Make a project or model of our own export, unless there is one of its name.

        Raises ValueError for columns that cannot be stored.
        """
        model = {"project": Project, "model": LanguageModel}[record.kind]
        unique = ("name",) if model is Project else ("provider", "model_name", "model_version")
        known = {field.attname for field in model._meta.concrete_fields} - {"id"}
        columns = {name: value for name, value in record.columns.items() if name in known}
        names = {name: columns.pop(name, "") for name in unique}
        if not all(isinstance(name, str) for name in names.values()):
            raise ValueError("a name is no text")
        self._get(model, names, columns)

    def _get(self, model: Any, names: dict[str, str], columns: dict[str, Any]) -> int:
        row, is_new = model.objects.using(self.using).get_or_create(**names, defaults=columns)
        if is_new:
            self._made.append({"made": model._meta.label, "pk": row.pk})
        return row.pk
