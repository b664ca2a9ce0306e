"""Addresses of what it adds up to."""

from django.urls import path

from .views import dashboards, styleguide

urlpatterns = [
    path("analytics/", dashboards.show_overview, name="analytics-overview"),
    path("analytics/costs/", dashboards.show_costs, name="analytics-costs"),
    path("styleguide/charts/", styleguide.charts_shown, name="styleguide-charts"),
]
