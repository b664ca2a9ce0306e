"""What if: the history of a range on other models."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics import whatif
from analytics.charts import Cell
from analytics.filters import AnalyticsFilter
from analytics.tables import Line, Table
from analytics.whatif import Recosted, Terms, WhatIf
from conversations.errors import InvalidValue
from conversations.forms import Styled
from conversations.importers.values.text import clean_text
from conversations.models import LanguageModel
from conversations.pricing.requests import Scope

from .reporting import asked, render_report

SECONDS = 3.0  # that the page takes
MOST_NAMES = 300  # that are offered
LONGEST = 1_000
AS_IT_WAS, NO_CACHE, SHARE = "as-it-was", "none", "share"
CACHES = {
    AS_IT_WAS: "As it was",
    NO_CACHE: "None",
    SHARE: "A share",
}
HEADS = (
    "Total", "Difference", "Fresh input", "Cache read", "Cache write, 5 min", "Cache write, 1 h",
    "Output", "Reasoning", "Per request", "Web searches",
)  # fmt: skip


class WhatIfForm(Styled, forms.Form):
    """On which models, and on which terms."""

    use_required_attribute = False
    on = forms.CharField(
        label="On which models",
        max_length=LONGEST,
        help_text="provider/name; several with commas between them.",
    )
    cache = forms.ChoiceField(label="Cache", required=False, choices=list(CACHES.items()))
    share = forms.DecimalField(
        label="Share (%)", required=False, min_value=0, max_value=100, max_digits=9
    )
    batch = forms.BooleanField(label="All in batches", required=False)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["on"].widget.attrs["list"] = "model-names"
        self.fields["share"].widget.attrs["step"] = "any"

    def clean_on(self):
        texts = [text.strip() for text in self.cleaned_data["on"].split(",") if text.strip()]
        if len(texts) > whatif.MOST_MODELS:
            raise forms.ValidationError(f"At most {whatif.MOST_MODELS} models.")
        try:
            return list(dict.fromkeys(map(whatif.named, texts)))
        except InvalidValue as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self):
        has_share = self.cleaned_data.get("share") is not None or "share" in self.errors
        if self.cleaned_data.get("cache") == SHARE and not has_share:
            self.add_error("share", "Say how much, from 0 to 100.")
        return self.cleaned_data

    @property
    def terms(self) -> Terms:
        """Return the terms of a valid form."""
        share = {NO_CACHE: Decimal(0), SHARE: self.cleaned_data["share"]}
        return Terms(
            cache_share=share.get(self.cleaned_data["cache"]), batch=self.cleaned_data["batch"]
        )


@require_safe
def show_what_if(request: HttpRequest) -> HttpResponse:
    """Show what the requests of a range would have cost on other models."""
    names = [name for name in WhatIfForm.base_fields if name in request.GET]
    kept = {name: clean_text(request.GET[name])[:LONGEST] for name in names}
    filters = asked(request, kept=kept, by_hour=False)
    form = WhatIfForm(request.GET if kept.get("on") else None)
    tables, found = [], None
    if form.is_bound and form.is_valid():
        terms = form.terms
        found = whatif.recost(_scope(filters), form.cleaned_data["on"], terms, seconds=SECONDS)
        tables = [_table(found)]
    context = {
        "form": form,
        "found": found,
        "tables": tables,
        "known_models": _known_models(),
        "is_live": False,  # it takes seconds, and nothing of the past changes
    }
    return render_report(request, "what-if", filters, context, tables=tables)


def _scope(filters: AnalyticsFilter) -> Scope:
    where, days = filters.where, filters.range
    return Scope(
        project_id=where.project_id,
        no_project=where.no_project,
        model_ids=None if where.model_id is None else (where.model_id,),
        source=where.source,
        tag=where.tag,
        role=where.role,
        since=days.begins_at,
        until=days.ends_at,
        with_trash=False,
    )


def _table(found: WhatIf) -> Table:
    heads = [(name, "usd") for name in HEADS]
    heads += [("Requests", "count"), ("Could not be priced", "count")]
    blank = [Cell(None, "usd")] * (len(HEADS) - 1)
    as_it_was = Line(
        "As it was",
        None,
        [
            Cell(found.cost, "usd"), *blank, Cell(found.requests, "count"),
            Cell(found.unpriced, "count"),
        ],
    )  # fmt: skip
    return Table(
        "what-if",
        "The same requests elsewhere",
        "Model",
        heads,
        [as_it_was, *map(_line, found.models)],
        note=NOTE,
    )


NOTE = (
    "The parts sum exactly to the total. The difference is to what the same requests did cost, of"
    " those whose cost is known both ways. The tokens are those that were used: another model may"
    " need more or fewer for the same text."
)


def _line(recosted: Recosted) -> Line:
    has_price = bool(recosted.priced)
    amounts = [recosted.total, recosted.difference, *recosted.parts.values()]
    cells = [Cell(amount if has_price else None, "usd") for amount in amounts]
    counts = [Cell(recosted.priced, "count"), Cell(recosted.unpriced, "count")]
    return Line(recosted.model.in_full, None, [*cells, *counts])


def _known_models() -> list[str]:
    rows = LanguageModel.objects.values_list("provider", "model_name")[:MOST_NAMES]
    return [f"{provider}/{name}" for provider, name in rows]
