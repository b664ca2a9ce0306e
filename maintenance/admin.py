"""Maintenance in the admin: its history is read there, rules are edited."""

from __future__ import annotations

from django.contrib import admin

from . import models


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that say what was done are not edited."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(models.MaintenanceRun)
class MaintenanceRunAdmin(ReadOnlyAdmin):
    list_display = ["kind", "status", "summary", "user", "made_at", "finished_at"]
    list_filter = ["kind", "status"]
    list_select_related = ["user"]
    search_fields = ["summary", "=run_uuid"]


@admin.register(models.Backup)
class BackupAdmin(ReadOnlyAdmin):
    list_display = ["path", "bytes", "made_at", "proven_at", "is_encrypted", "gone_at"]
    list_filter = ["is_encrypted"]
    search_fields = ["path", "=sha256"]


@admin.register(models.Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ["receipt_uuid", "messages", "keeps_figures", "is_complete", "erased_at"]
    list_filter = ["is_complete", "keeps_figures"]
    search_fields = ["=receipt_uuid"]


@admin.register(models.RetentionRule)
class RetentionRuleAdmin(admin.ModelAdmin):
    list_display = ["name", "days", "action", "project", "status", "source", "is_active"]
    list_filter = ["action", "is_active"]
    list_select_related = ["project"]
    search_fields = ["name"]
    raw_id_fields = ["project"]
