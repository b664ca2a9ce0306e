"""Addresses of the maintenance pages."""

from django.urls import path

from . import views

urlpatterns = [
    path("maintenance/", views.overview, name="maintenance"),
    path("maintenance/start/", views.start, name="maintenance-start"),
    path("maintenance/runs/", views.list_runs, name="maintenance-runs"),
    path("maintenance/runs/<str:uuid>/", views.show_run, name="maintenance-run"),
    path("maintenance/backups/", views.list_backups, name="maintenance-backups"),
    path("maintenance/backups/<int:pk>/download/", views.download, name="maintenance-download"),
    path("maintenance/backups/<int:pk>/delete/", views.delete, name="maintenance-delete"),
    path("maintenance/backups/<int:pk>/restore/", views.restore, name="maintenance-restore"),
    path("maintenance/sizes/", views.show_sizes, name="maintenance-sizes"),
    path("maintenance/retention/", views.list_rules, name="retention"),
    path("maintenance/retention/new/", views.new_rule, name="retention-new"),
    path("maintenance/retention/<int:pk>/", views.edit_rule, name="retention-edit"),
    path("maintenance/retention/<int:pk>/delete/", views.delete_rule, name="retention-delete"),
    path("maintenance/erasures/", views.list_erasures, name="erasures"),
    path("maintenance/erasures/<str:uuid>/", views.show_erasure, name="erasure"),
]
