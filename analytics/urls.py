"""Addresses of what it adds up to."""

from django.urls import path

from .views import styleguide

urlpatterns = [
    path("styleguide/charts/", styleguide.charts_shown, name="styleguide-charts"),
]
