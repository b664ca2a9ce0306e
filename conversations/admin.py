"""Every table of what was said, for mending by hand."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db.models import DateTimeField, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property

from . import models, search
from .filters import LONGEST, SEARCH_SECONDS, matching, with_keys
from .pages import KeyPaginator

LONGEST_SEARCH = 200  # characters
MOST_LISTED = 10_000  # rows
SHORTEST_ID = 6  # characters of an ID that are looked up
MOST_FOUND = 1_000  # messages, or sessions in the trash; the newest ones


class CappedPaginator(KeyPaginator):
    """Counts no further than the pages that anybody leafs through; the rest is for searching."""

    def __init__(self, object_list, per_page, orphans=0, allow_empty_first_page=True) -> None:
        super().__init__(object_list, per_page)

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MOST_LISTED].count()


class DateAndTime(AdminSplitDateTime):
    """A date and a time, each with a name of its own for who does not see what stands beside it."""

    def __init__(self, attrs=None) -> None:
        super().__init__(attrs)
        for widget, name in zip(self.widgets, ("Date", "Time"), strict=True):
            widget.attrs["aria-label"] = name


class PlainAdmin(admin.ModelAdmin):
    """An admin whose pages cost the same for ten rows and for a million."""

    formfield_overrides = {DateTimeField: {"widget": DateAndTime}}
    show_full_result_count = False
    list_per_page = 50
    paginator = CappedPaginator
    ordering = ["-id"]

    def get_changeform_initial_data(self, request):
        # A new row starts with the values that the database would give it.
        defaults = {
            field.name: timezone.now() if isinstance(field.db_default, Now) else field.db_default
            for field in self.opts.fields
            if field.editable and field.has_db_default()
        }
        return {**defaults, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(self, request, obj=None):
        # A row that is not there yet has no totals to show.
        return super().get_readonly_fields(request, obj) if obj else ()

    def lookup_allowed(self, lookup, value, request=None):
        # Django takes any lookup of a column from the address, also those that end in an error,
        # such as started_at__year=99999999999.
        return lookup.removesuffix("__exact") in self.list_filter

    def get_search_results(self, request, queryset, search_term):
        # Each word adds a condition, and SQLite refuses a thousand of them.
        return super().get_search_results(request, queryset, search_term[:LONGEST_SEARCH])


@admin.register(models.Project)
class ProjectAdmin(PlainAdmin):
    list_display = ["name", "created_at", "updated_at"]
    search_fields = ["name"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(models.LanguageModel)
class LanguageModelAdmin(PlainAdmin):
    list_display = [
        "full_name",
        "cost_per_1k_input_tokens",
        "cost_per_1k_output_tokens",
        "is_active",
    ]
    list_filter = ["is_active"]
    search_fields = ["provider", "model_name"]
    readonly_fields = ["created_at"]


@admin.register(models.Session)
class SessionAdmin(PlainAdmin):
    list_display = [
        "__str__",
        "project",
        "model",
        "status",
        "total_messages",
        "started_at",
        "deleted_at",
    ]
    list_filter = ["status", "session_type"]
    list_select_related = ["project", "model"]
    search_fields = ["title"]
    search_help_text = (
        "The beginning of an ID, or what the search page takes: words, “a phrase”, role:user. What"
        " is in the trash is found by a part of its title."
    )
    raw_id_fields = ["project", "model", "parent_session"]
    readonly_fields = [
        "total_messages",
        "total_input_tokens",
        "total_output_tokens",
        "total_cost",
        "source",
        "external_id",
        "parent_external_id",
        "deleted_at",
    ]

    def get_queryset(self, request):
        # The trash too: here one sees what is in the table.
        return models.Session.with_trash.order_by(*self.ordering)

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()[:LONGEST]
        if not term:
            return queryset, False
        by_id = queryset.whose_id_starts_with(term) if len(term) >= SHORTEST_ID else queryset.none()
        if by_id.exists():
            return by_id, False
        trash = models.Session.with_trash.trashed().filter(title__icontains=term[:LONGEST_SEARCH])
        trashed = trash.order_by("-deleted_at").values("pk")[:MOST_FOUND]
        found = Q(pk__in=matching(queryset, term).keys) | Q(pk__in=trashed)
        return queryset.filter(found), False


@admin.register(models.Message)
class MessageAdmin(PlainAdmin):
    list_display = ["message_uuid", "session", "sequence_number", "role", "model", "timestamp"]
    # No filter and no other order: without an index for each, both read all messages there are.
    sortable_by = ()
    list_select_related = ["session", "model"]
    search_help_text = (
        "The ID of a message or of a session, or what the search page takes: words, “a phrase”,"
        f" role:user. Of what is found, the newest {MOST_FOUND:,} are listed."
    )
    search_fields = ["message_uuid"]
    raw_id_fields = ["session", "parent_message", "model", "cost_basis"]
    readonly_fields = ["external_id"]

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()[:LONGEST]
        if not term:
            return queryset, False
        for column in ("message_uuid", "session__session_uuid"):
            if (found := queryset.filter(**{column: term})).exists():
                return found, False
        keys = search.matching_messages(term, limit=MOST_FOUND, seconds=SEARCH_SECONDS)
        return with_keys(queryset, keys), False


@admin.register(models.SessionSnapshot)
class SessionSnapshotAdmin(PlainAdmin):
    list_display = ["session", "snapshot_type", "sequence_number", "created_at"]
    list_filter = ["snapshot_type"]
    list_select_related = ["session"]
    search_fields = ["=session__session_uuid"]
    raw_id_fields = ["session"]
    readonly_fields = ["created_at"]


@admin.register(models.Annotation)
class AnnotationAdmin(PlainAdmin):
    list_display = [
        "annotation_type",
        "entity_type",
        "entity_id",
        "rating",
        "annotator",
        "created_at",
    ]
    list_filter = ["annotation_type", "entity_type"]
    search_fields = ["=annotation_uuid", "annotator"]
    readonly_fields = ["created_at", "updated_at"]


class ReadOnlyAdmin(PlainAdmin):
    """Rows that the program keeps itself: to look at, not to change."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(models.SessionTag)
class SessionTagAdmin(ReadOnlyAdmin):
    list_display = ["name", "session"]
    list_select_related = ["session"]
    search_fields = ["=name"]
    raw_id_fields = ["session"]


@admin.register(models.Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ["summary", "user", "made_at", "undone_at"]
    list_select_related = ["user"]
    search_fields = ["=change_uuid"]
    raw_id_fields = ["user"]


@admin.register(models.Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "status", "user", "made_at", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["user"]
    search_fields = ["=import_uuid"]
    raw_id_fields = ["user"]


@admin.register(models.ImportChunk)
class ImportChunkAdmin(ReadOnlyAdmin):
    list_display = ["of", "first_session", "last_session", "first_message", "last_message"]
    list_select_related = ["of"]
    search_fields = ["=of__import_uuid"]
    raw_id_fields = ["of"]


@admin.register(models.RejectedRecord)
class RejectedRecordAdmin(ReadOnlyAdmin):
    list_display = ["place", "reason", "source", "of"]
    list_filter = ["source"]
    list_select_related = ["of"]
    search_fields = ["=of__import_uuid"]
    raw_id_fields = ["of"]
    exclude = ["content"]  # packed, and megabytes perhaps


@admin.register(models.Price)
class PriceAdmin(PlainAdmin):
    list_display = [
        "__str__", "kind", "valid_from", "valid_to", "input_price", "output_price", "service_tier",
        "above_input_tokens",
    ]  # fmt: skip
    list_filter = ["kind"]
    search_fields = ["provider", "model_pattern"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(models.CostBasis)
class CostBasisAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "kind", "rule", "origin"]
    list_filter = ["kind"]
    search_fields = ["provider", "model", "origin"]

    def has_delete_permission(self, request, obj=None):
        return False  # messages and runs refer to it


@admin.register(models.RepriceRun)
class RepriceRunAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "status", "messages", "user", "made_at", "undone_at"]
    list_filter = ["status"]
    list_select_related = ["user"]
    search_fields = ["=run_uuid"]
    raw_id_fields = ["user"]

    def has_delete_permission(self, request, obj=None):
        return False  # it may hold what takes back a million changes


@admin.register(models.RepriceChange)
class RepriceChangeAdmin(ReadOnlyAdmin):
    list_display = ["message_id", "run", "old_cost", "new_cost"]
    list_select_related = ["run"]
    search_fields = ["=run__run_uuid"]
    raw_id_fields = ["run"]

    def has_delete_permission(self, request, obj=None):
        return False  # without it its run cannot be undone whole


@admin.register(models.Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    list_display = ["record_uuid", "deleted_at"]
    search_fields = ["=record_uuid"]
    ordering = ["-deleted_at"]


@admin.register(models.SavedView)
class SavedViewAdmin(PlainAdmin):
    list_display = ["name", "user", "query", "is_shared"]
    list_filter = ["is_shared"]
    list_select_related = ["user"]
    search_fields = ["name"]
    raw_id_fields = ["user"]
    readonly_fields = ["made_at"]


@admin.register(models.BatchJob)
class BatchJobAdmin(PlainAdmin):
    list_display = [
        "name",
        "status",
        "total_items",
        "completed_items",
        "failed_items",
        "created_at",
    ]
    list_filter = ["status", "job_type"]
    search_fields = ["name", "=job_uuid"]
    raw_id_fields = ["project", "model"]
    readonly_fields = ["completed_items", "failed_items", "created_at"]


@admin.register(models.BatchItem)
class BatchItemAdmin(PlainAdmin):
    list_display = ["batch_job", "item_index", "status", "session"]
    list_filter = ["status"]
    list_select_related = ["batch_job", "session"]
    search_fields = ["=batch_job__job_uuid"]
    raw_id_fields = ["batch_job", "session"]


@admin.register(models.Workflow)
class WorkflowAdmin(PlainAdmin):
    list_display = ["name", "version", "status", "updated_at"]
    list_filter = ["status"]
    search_fields = ["name", "=workflow_uuid"]
    raw_id_fields = ["project"]
    readonly_fields = ["created_at", "updated_at"]


@admin.register(models.WorkflowExecution)
class WorkflowExecutionAdmin(PlainAdmin):
    list_display = ["execution_uuid", "workflow", "status", "started_at"]
    list_filter = ["status"]
    list_select_related = ["workflow"]
    search_fields = ["=execution_uuid"]
    raw_id_fields = ["workflow"]


@admin.register(models.WorkflowStep)
class WorkflowStepAdmin(PlainAdmin):
    list_display = ["step_name", "workflow_execution", "step_index", "status", "session"]
    list_filter = ["status"]
    list_select_related = ["workflow_execution", "session"]
    search_fields = ["step_name", "=workflow_execution__execution_uuid"]
    raw_id_fields = ["workflow_execution", "session"]
