"""Looking after the file: backup, restore, vacuum, checks, sizes."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    name = "maintenance"
