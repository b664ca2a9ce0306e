"""Forms of the pages, drawn by one template for every field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.db import connections
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault
from django.forms.renderers import DjangoTemplates
from django.template import engines
from django.utils.functional import cached_property

from . import databases, organising, values
from .errors import InvalidValue
from .importers.values.text import UNSTORABLE
from .models import LanguageModel, Message, Project, Session
from .models.choices import Role, SessionStatus, SessionType
from .models.sessions import MOST_COST, MOST_LATENCY, MOST_TOKENS

MOST_CHOICES = 300  # of a list to choose from; a page of ten thousand options helps nobody
CLASSES = {"select": "form-select", "checkbox": "form-check-input", "file": "form-control"}


class Renderer(DjangoTemplates):
    """Draws fields with our template, and widgets with Django's."""

    field_template_name = "components/_field.html"
    select_template_name = "components/_select.html"

    def get_template(self, template_name):
        if template_name in {self.field_template_name, self.select_template_name}:
            return engines["django"].get_template(template_name)
        return super().get_template(template_name)


class Styled:
    """A form whose widgets look like the rest of the page and refuse what cannot be stored."""

    default_renderer = Renderer()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begin_as_the_database_would()
        for field in self.fields.values():
            widget = field.widget
            kind = getattr(widget, "input_type", "")
            name = CLASSES.get(kind)
            if isinstance(widget, forms.Select):
                name, widget.template_name = "form-select", Renderer.select_template_name
            widget.attrs.setdefault("class", name or "form-control")
            if isinstance(field, forms.CharField):
                field.validators.append(_storable)

    def _begin_as_the_database_would(self) -> None:
        instance = getattr(self, "instance", None)
        if instance is None or instance.pk is not None:
            return
        for field in instance._meta.fields:
            is_open = isinstance(self.initial.get(field.name), DatabaseDefault | None)
            if field.name in self.fields and field.has_db_default() and is_open:
                self.initial[field.name] = field.db_default


def _storable(text: str) -> None:
    if isinstance(text, str) and UNSTORABLE.search(text):
        raise forms.ValidationError("This holds a character that cannot be stored.")


class FewChoices(forms.models.ModelChoiceIterator):
    """The first rows in their order, and the chosen one wherever it stands."""

    def __iter__(self):
        if self.field.empty_label is not None:
            yield ("", self.field.empty_label)
        yield from self.field.extra_choices
        for row in self.field.rows:
            yield self.choice(row)


class FewChoicesField(forms.ModelChoiceField):
    """A choice among rows of which there may be any number."""

    iterator = FewChoices
    extra_choices: tuple[tuple[str, str], ...] = ()
    chosen = None  # the key that the form was given

    @cached_property
    def rows(self) -> list[Model]:
        """The rows to choose from: one query for a form."""
        few = self.queryset[:MOST_CHOICES]
        label = self.queryset.model._meta.label
        rows = list(
            databases.remembered(connections[few.db], ("choices", label), lambda: list(few))
        )
        if self.chosen and len(rows) == MOST_CHOICES:
            with suppress(ValueError, TypeError, OverflowError):
                rows += self.queryset.filter(pk=self.chosen).exclude(pk__in=[r.pk for r in rows])
        return rows

    def __deepcopy__(self, memo):
        field = super().__deepcopy__(memo)
        field.__dict__.pop("rows", None)
        return field

    def prepare_value(self, value):
        if not isinstance(value, Model):
            self.chosen = value
        return super().prepare_value(value)


def changed_columns(form: forms.ModelForm) -> dict[str, Any]:
    """Return the columns that a valid form changes, with the values they get."""
    fields = (form.instance._meta.get_field(name) for name in form.changed_data)
    return {field.attname: getattr(form.instance, field.attname) for field in fields}


class NameField(forms.CharField):
    """The name of a project, one that is there or a new one; cleaned to the project or None."""

    def clean(self, value):
        name = super().clean(value)
        return " ".join(name.split()) or None


class LinesField(forms.CharField):
    """Text of several lines, kept as it is but for the line ends of two characters that
    browsers send."""

    def __init__(self, **options):
        super().__init__(**{**options, "strip": False})

    def to_python(self, value):
        return _lines(super().to_python(value))

    def has_changed(self, initial, data):
        return super().has_changed(_lines(initial or ""), data)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


class TagsField(forms.CharField):
    """Tags with commas between them; cleaned to a list of different tags."""

    def prepare_value(self, value):
        if isinstance(value, list):
            return ", ".join(str(tag) for tag in value)
        return value

    def has_changed(self, initial, data):
        # As text: what is there may be no list of tags at all, and is left alone then.
        return super().has_changed(initial, data) and str(self.prepare_value(initial)) != data

    def to_python(self, value):
        try:
            names = [organising.tag_name(text) for text in (value or "").split(",") if text.strip()]
        except InvalidValue as error:
            raise forms.ValidationError(str(error)) from error
        if len(names) > organising.MOST_TAGS:
            raise forms.ValidationError(f"At most {organising.MOST_TAGS} tags.")
        return list(dict.fromkeys(names))

    def validate(self, value):
        pass

    def run_validators(self, value):
        pass


class SessionForm(Styled, forms.ModelForm):
    """A session's head. `project` is a name; a project of that name is made if there is none."""

    project = NameField(
        required=False, max_length=200, help_text="One that is there, or the name of a new one."
    )
    model = FewChoicesField(LanguageModel.objects.all(), required=False, empty_label="Not known")
    tags = TagsField(required=False, help_text="With commas between them.")

    class Meta:
        model = Session
        fields = [
            "title", "project", "tags", "model", "session_type", "status", "description",
            "system_prompt", "temperature", "max_tokens", "top_p",
        ]  # fmt: skip
        field_classes = {"description": LinesField, "system_prompt": LinesField}
        widgets = {
            "description": forms.Textarea({"rows": 3}),
            "system_prompt": forms.Textarea({"rows": 6}),
            "temperature": forms.NumberInput({"min": 0, "max": 5, "step": "any"}),
            "max_tokens": forms.NumberInput({"min": 0}),
            "top_p": forms.NumberInput({"min": 0, "max": 1, "step": "any"}),
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for name, choices in (("status", SessionStatus), ("session_type", SessionType)):
            self.fields[name].choices = choices.choices  # each session has one
        if self.instance.project_id:
            self.initial["project"] = self.instance.project.name
        self.fields["project"].widget.attrs["list"] = "project-names"
        for name, most in (("temperature", 5), ("top_p", 1), ("max_tokens", MOST_TOKENS)):
            _between(self.fields[name], most)

    def clean_project(self):
        name = self.cleaned_data["project"]
        return name and (Project.objects.filter(name=name).first() or Project(name=name))

    def make_project(self) -> None:
        """Make the project that was named, if there is none of the name yet."""
        project = self.cleaned_data["project"]
        if project and not project.pk:
            self.instance.project, _ = Project.objects.get_or_create(name=project.name)

    def save(self, commit=True):
        self.make_project()
        return super().save(commit)


class MessageForm(Styled, forms.ModelForm):
    """A message as people write or mend it."""

    model = FewChoicesField(
        LanguageModel.objects.all(), required=False, empty_label="That of the session"
    )

    class Meta:
        model = Message
        fields = [
            "role", "content", "model", "input_tokens", "output_tokens", "cost", "latency_ms",
            "finish_reason", "error_message",
        ]  # fmt: skip
        labels = {"content": "Text", "cost": "Cost (USD)", "latency_ms": "Latency (ms)"}
        help_texts = {"cost": ""}
        field_classes = {"content": LinesField, "error_message": LinesField}
        widgets = {
            "content": forms.Textarea({"rows": 8}),
            "error_message": forms.Textarea({"rows": 2}),
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["role"].choices = Role.choices
        if not self.instance.pk:
            self.initial["role"] = Role.USER
        for name, most in (
            ("input_tokens", MOST_TOKENS),
            ("output_tokens", MOST_TOKENS),
            ("cost", MOST_COST),
            ("latency_ms", MOST_LATENCY),
        ):
            _between(self.fields[name], most)

    def clean_content(self):
        text = self.cleaned_data["content"]
        if len(text) > values.LONGEST_TEXT:
            raise forms.ValidationError("This is too long.")
        return text


class ProjectForm(Styled, forms.ModelForm):
    class Meta:
        model = Project
        fields = ["name", "description"]
        field_classes = {"description": LinesField}
        widgets = {"description": forms.Textarea({"rows": 4})}


class ModelForm(Styled, forms.ModelForm):
    """A language model: what it is called, what it takes and what it costs."""

    class Meta:
        model = LanguageModel
        fields = [
            "provider", "model_name", "model_version", "cost_per_1k_input_tokens",
            "cost_per_1k_output_tokens", "context_window", "supports_streaming",
            "supports_functions", "is_active", "default_temperature", "default_max_tokens",
            "default_top_p", "endpoint_url", "api_key_name",
        ]  # fmt: skip
        labels = {
            "cost_per_1k_input_tokens": "USD per 1,000 input tokens",
            "cost_per_1k_output_tokens": "USD per 1,000 output tokens",
            "context_window": "Context window (tokens)",
        }
        help_texts = dict.fromkeys(
            ["cost_per_1k_input_tokens", "cost_per_1k_output_tokens", "context_window"], ""
        )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for name, most in (
            ("cost_per_1k_input_tokens", 10**6),
            ("cost_per_1k_output_tokens", 10**6),
            ("context_window", MOST_TOKENS),
            ("default_temperature", 5),
            ("default_top_p", 1),
            ("default_max_tokens", MOST_TOKENS),
        ):
            _between(self.fields[name], most)


def _between(field: forms.Field, most: float) -> None:
    field.validators += [
        forms.fields.validators.MinValueValidator(0),
        forms.fields.validators.MaxValueValidator(most),
    ]
    field.widget.attrs.update({"min": 0, "max": most})
    if isinstance(field, forms.FloatField):
        field.widget.attrs["step"] = "any"


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files; cleaned to a list of them."""

    widget = ManyFilesInput

    def clean(self, value, initial=None):
        files = value if isinstance(value, list | tuple) else [value]
        return [super(ManyFilesField, self).clean(file, initial) for file in files or [None]]


class UploadForm(Styled, forms.Form):
    """Files to import."""

    files = ManyFilesField(label="Files", max_length=500, allow_empty_file=True)
    project = NameField(
        label="Project for new sessions",
        required=False,
        max_length=200,
        help_text="Leave empty for what the files say.",
    )
    dry_run = forms.BooleanField(label="Only say what would be stored", required=False)
    with_deleted = forms.BooleanField(label="Bring back what was deleted here", required=False)
