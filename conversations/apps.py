"""What was said: projects, models, sessions, messages, and what hangs on them."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"
    filled_by_triggers = ("import_deletions",)

    def ready(self):
        from . import schema

        schema.keep_installed(self)
