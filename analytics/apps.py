"""What it adds up to: roll-ups, cost, model performance, comparisons."""

from django.apps import AppConfig

from conversations import schema


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self):
        schema.keep_installed(self)
