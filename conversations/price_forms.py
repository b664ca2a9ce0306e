"""Forms and filters of the pages about prices."""

from __future__ import annotations

from datetime import date, timedelta

import django_filters
from django import forms
from django.core.validators import DecimalValidator, MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.http import QueryDict

from .filters import LONGEST, NONE, AddressFilter, ModelFilter, ProjectFilter, midnight
from .forms import LinesField, Styled
from .models import LanguageModel, Price, PriceKind, Project
from .models.prices import MOST_PRICE, MOST_TOKENS_OF_A_STEP, PRICES
from .pricing.requests import Scope
from .sources import HERE, SOURCES

LARGEST_FILE = 10 * 2**20  # bytes; some 100,000 rows
DAY = forms.DateInput({"type": "date"})
LABELS = {
    "input_price": "Input",
    "cache_read_price": "Cache read",
    "cache_write_5m_price": "Cache write, 5 min",
    "cache_write_1h_price": "Cache write, 1 h",
    "output_price": "Output",
    "reasoning_price": "Reasoning",
}


class PriceForm(Styled, forms.ModelForm):
    """A row of the price book."""

    class Meta:
        model = Price
        fields = [
            "provider", "model_pattern", "valid_from", "valid_to", "kind", *PRICES, "batch_factor",
            "service_tier", "above_input_tokens", "note",
        ]  # fmt: skip
        labels = {
            **LABELS,
            "model_pattern": "Model",
            "valid_to": "Valid before",
            "kind": "How it is paid for",
            "above_input_tokens": "Above input tokens",
        }
        help_texts = {
            **dict.fromkeys((*PRICES, "valid_from", "valid_to", "batch_factor"), ""),
            "provider": "Empty: any.",
        }
        widgets = {
            "valid_from": DAY,
            "valid_to": DAY,
            "note": forms.Textarea({"rows": 2}),
        }
        field_classes = {"note": LinesField}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["kind"].choices = PriceKind.choices  # each row is of one
        for name in (*PRICES, "batch_factor"):
            _at_least_nothing(self.fields[name])
            if self.initial.get(name) is not None:  # without the zeros behind it
                self.initial[name] = f"{self.initial[name]:f}".rstrip("0").rstrip(".")
        self.fields["above_input_tokens"].widget.attrs.update(
            {"min": 0, "max": MOST_TOKENS_OF_A_STEP}
        )


class PriceFilter(AddressFilter):
    """Filters of the price book."""

    q = django_filters.CharFilter(
        method="by_words", label="Provider, model or note", max_length=LONGEST
    )
    kind = django_filters.ChoiceFilter(
        choices=PriceKind, label="Paid for", empty_label="In any way"
    )
    day = django_filters.DateFilter(method="by_day", label="Valid on", widget=DAY)

    class Meta(AddressFilter.Meta):
        model = Price

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.queryset = Price.objects.all()

    def by_words(self, prices, name, value):
        return prices.filter(
            Q(provider__icontains=value) | Q(model_pattern__icontains=value)
            | Q(note__icontains=value)
        )  # fmt: skip

    def by_day(self, prices, name, value):
        begun = Q(valid_from=None) | Q(valid_from__lte=value)
        return prices.filter(begun, Q(valid_to=None) | Q(valid_to__gt=value))


class LookupForm(Styled, forms.Form):
    """Which price holds for a model, at noon (UTC) of a day."""

    use_required_attribute = False
    provider = forms.CharField(required=False, max_length=100)
    model = forms.CharField(max_length=200)
    at = forms.DateField(label="On", required=False, widget=DAY)
    tier = forms.CharField(label="Service tier", required=False, max_length=50)


class PriceFileForm(Styled, forms.Form):
    """A file of prices."""

    file = forms.FileField(label="File", max_length=500, allow_empty_file=True)

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(f"At most {LARGEST_FILE // 2**20} MB.")
        return file


class MissingPriceForm(Styled, forms.Form):
    """What a model without a price is to cost; nothing if it stays without."""

    kind = forms.ChoiceField(
        required=False, choices=[("", "Leave it"), *PriceKind.choices], label="How it is paid for"
    )
    input_price = forms.DecimalField(label="Input")
    output_price = forms.DecimalField(label="Output")
    cache_read_price = forms.DecimalField(label="Cache read")
    cache_write_price = forms.DecimalField(label="Cache write")

    AMOUNTS = ("input_price", "output_price", "cache_read_price", "cache_write_price")

    def __init__(self, model: LanguageModel, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix=f"model-{model.pk}")
        self.model = model
        for name in self.AMOUNTS:
            field = self.fields[name]
            field.required = False
            field.validators.append(DecimalValidator(13, 6))
            _at_least_nothing(field)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}, {model.full_name}"

    def clean(self):
        given = [name for name in self.AMOUNTS if self.cleaned_data.get(name) is not None]
        kind = self.cleaned_data.get("kind")
        if kind in (PriceKind.LOCAL, PriceKind.SUBSCRIPTION):
            if given:
                self.add_error(given[0], "Leave this empty: it costs nothing per request.")
        elif given or kind:
            self.cleaned_data["kind"] = PriceKind.PER_TOKEN.value
            for name in ("input_price", "output_price"):
                if name not in given and name not in self.errors:
                    self.add_error(name, "Both are needed.")
        return self.cleaned_data


def _at_least_nothing(field: forms.DecimalField) -> None:
    field.validators += [MinValueValidator(0), MaxValueValidator(MOST_PRICE)]
    field.widget.attrs.update({"min": 0, "step": "any", "inputmode": "decimal"})


class RepriceFilter(AddressFilter):
    """Which messages are to be priced anew."""

    project = ProjectFilter(queryset=Project.objects.all(), empty_label="Any project")
    model = ModelFilter(queryset=LanguageModel.objects.all(), empty_label="Any model")
    source = django_filters.ChoiceFilter(choices=SOURCES, empty_label="Any source", label="Source")
    tag = django_filters.CharFilter(label="Tag", max_length=LONGEST)
    since = django_filters.DateFilter(label="From", widget=DAY)
    until = django_filters.DateFilter(label="To", widget=DAY)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.form.fields["tag"].widget.attrs["list"] = "tag-names"
        self.form.is_valid()  # what is left out is gone: it is

    @property
    def scope(self) -> Scope:
        """Return which messages are meant."""
        chosen = {name: self.form.cleaned_data.get(name) or None for name in self.data}
        project, source, until = (chosen.get(name) for name in ("project", "source", "until"))
        has_end = until is not None and until != date.max
        return Scope(
            project_id=project.pk if project and project != NONE else None,
            no_project=project == NONE,
            model_ids=(chosen["model"].pk,) if chosen.get("model") else None,
            source="" if source == HERE else source,
            tag=chosen.get("tag"),
            since=midnight(chosen["since"]) if chosen.get("since") else None,
            until=midnight(until + timedelta(days=1)) if has_end else None,
        )

    @property
    def words(self) -> str:
        """Return the same for people; "" for all."""
        return "; ".join(f"{chip.label.lower()} {chip.value}" for chip in self.chips())
