"""Addresses of what it adds up to."""

from django.urls import path

from .views import (
    budgets,
    comparisons,
    dashboards,
    performance,
    picking,
    styleguide,
    voting,
    whatif,
)

urlpatterns = [
    path("analytics/", dashboards.show_overview, name="analytics-overview"),
    path("analytics/costs/", dashboards.show_costs, name="analytics-costs"),
    path("analytics/models/", performance.show_models, name="analytics-models"),
    path("analytics/projects/", dashboards.show_projects, name="analytics-projects"),
    path("analytics/tags/", dashboards.show_tags, name="analytics-tags"),
    path("analytics/sessions/", performance.show_sessions, name="analytics-sessions"),
    path("analytics/tools/", performance.show_tools, name="analytics-tools"),
    path("analytics/errors/", performance.show_errors, name="analytics-errors"),
    path("analytics/what-if/", whatif.show_what_if, name="what-if"),
    path("analytics/budgets/", budgets.list_budgets, name="budgets"),
    path("analytics/budgets/new/", budgets.new_budget, name="budget-new"),
    path("analytics/budgets/<int:pk>/", budgets.show_budget, name="budget"),
    path("analytics/budgets/<int:pk>/edit/", budgets.edit_budget, name="budget-edit"),
    path("analytics/budgets/<int:pk>/delete/", budgets.delete_budget, name="budget-delete"),
    path("comparisons/", comparisons.list_comparisons, name="comparisons"),
    path("comparisons/new/", comparisons.new_comparison, name="comparison-new"),
    path("comparisons/pick/", picking.pick, name="comparison-pick"),
    path("comparisons/variant/", picking.make_variant, name="comparison-variant"),
    path("comparisons/<str:uuid>/", comparisons.show_comparison, name="comparison"),
    path("comparisons/<str:uuid>/edit/", comparisons.edit_comparison, name="comparison-edit"),
    path("comparisons/<str:uuid>/add/", comparisons.add_to_comparison, name="comparison-add"),
    path("comparisons/<str:uuid>/refresh/", comparisons.refresh, name="comparison-refresh"),
    path("comparisons/<str:uuid>/delete/", comparisons.delete_comparison, name="comparison-delete"),
    path(
        "comparisons/<str:uuid>/report.<str:format>",
        comparisons.download_report,
        name="comparison-report",
    ),
    path("comparisons/<str:uuid>/vote/", voting.vote, name="comparison-vote"),
    path("comparisons/<str:uuid>/vote/undo/", voting.undo_vote, name="comparison-vote-undo"),
    path("styleguide/charts/", styleguide.charts_shown, name="styleguide-charts"),
]
