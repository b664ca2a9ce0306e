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
    raw_id_fields = ["comparison_group", "session", "message", "prompt"]


@admin.register(models.ComparisonVariant)
class ComparisonVariantAdmin(PlainAdmin):
    list_display = ["comparison_group", "variant_name", "label", "planned_share"]
    list_select_related = ["comparison_group"]
    search_fields = ["variant_name", "label", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group"]


@admin.register(models.ComparisonPrompt)
class ComparisonPromptAdmin(PlainAdmin):
    list_display = ["comparison_group", "prompt_key", "prompt_group"]
    list_select_related = ["comparison_group"]
    search_fields = ["prompt_key", "prompt_group", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group"]


@admin.register(models.ComparisonVote)
class ComparisonVoteAdmin(PlainAdmin):
    list_display = ["comparison_group", "prompt", "variant_a", "variant_b", "outcome", "rater"]
    list_filter = ["outcome", "evaluator"]
    list_select_related = ["comparison_group", "prompt"]
    search_fields = ["rater", "judge_version", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group", "prompt", "message_a", "message_b"]


@admin.register(models.ComparisonReport)
class ComparisonReportAdmin(PlainAdmin):
    list_display = ["comparison_group", "computed_at", "milliseconds", "input_hash"]
    list_select_related = ["comparison_group"]
    search_fields = ["input_hash", "=comparison_group__group_uuid"]
    raw_id_fields = ["comparison_group"]


@admin.register(models.ComparisonReportPrompt)
class ComparisonReportPromptAdmin(PlainAdmin):
    list_display = ["prompt_key", "report", "place", "delta"]
    search_fields = ["prompt_key"]
    raw_id_fields = ["report"]
    list_select_related = ["report"]


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
