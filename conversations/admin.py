"""Every table of what was said, for mending by hand."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Value

from . import models

LONGEST_SEARCH = 200


class PlainAdmin(admin.ModelAdmin):
    """An admin whose pages cost the same for ten rows and for a million."""

    show_full_result_count = False
    list_per_page = 50
    ordering = ["-id"]

    def get_changeform_initial_data(self, request):
        # A new row starts with the values that the database would give it.
        defaults = {
            field.name: field.db_default.value if isinstance(field.db_default, Value) else field.db_default
            for field in self.opts.fields
            if field.editable and field.has_db_default() and _is_plain(field.db_default)
        }
        return {**defaults, **super().get_changeform_initial_data(request)}

    def lookup_allowed(self, lookup, value, request=None):
        # Django takes any lookup of a column from the address, also those that end in an error:
        # started_at__year=99999999999.
        return lookup.removesuffix("__exact") in {str(name) for name in self.get_list_filter(request)}

    def get_search_results(self, request, queryset, search_term):
        # Each word adds a condition, and SQLite refuses a thousand of them.
        return super().get_search_results(request, queryset, search_term[:LONGEST_SEARCH])


def _is_plain(default) -> bool:
    return isinstance(default, str | int | float | bool | list | dict | Value)
