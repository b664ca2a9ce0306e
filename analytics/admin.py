"""Comparisons, metrics and budgets, for mending by hand."""

from __future__ import annotations

from django.contrib import admin

from conversations.admin import PlainAdmin

from . import models


@admin.register(models.ComparisonGroup)
class ComparisonGroupAdmin(PlainAdmin):
    list_display = ["name", "comparison_type", "created_at", "completed_at"]
    list_filter = ["comparison_type"]
    search_fields = ["name", "=group_uuid"]
    raw_id_fields = ["project"]
    readonly_fields = ["created_at"]


@admin.register(models.ComparisonSession)
class ComparisonSessionAdmin(PlainAdmin):
    list_display = ["comparison_group", "variant_name", "session"]
    list_select_related = ["comparison_group", "session"]
    search_fields = ["variant_name", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group", "session"]
    readonly_fields = ["created_at"]


@admin.register(models.ComparisonResult)
class ComparisonResultAdmin(PlainAdmin):
    list_display = ["comparison_group", "session", "metric_name", "metric_value", "evaluator"]
    list_filter = ["evaluator"]
    list_select_related = ["comparison_group", "session"]
    search_fields = ["metric_name", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group", "session", "message"]


@admin.register(models.PerformanceMetric)
class PerformanceMetricAdmin(PlainAdmin):
    list_display = ["metric_name", "metric_type", "entity_type", "entity_id", "metric_value"]
    list_filter = ["metric_type", "entity_type"]
    search_fields = ["metric_name"]


@admin.register(models.Budget)
class BudgetAdmin(PlainAdmin):
    list_display = ["name", "scope", "period", "soft_limit", "hard_limit", "is_active"]
    list_filter = ["period", "is_active"]
    list_select_related = ["project", "model"]
    search_fields = ["name"]
    raw_id_fields = ["project", "model"]
    readonly_fields = ["created_at"]
