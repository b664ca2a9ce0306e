"""What was said: projects, models, sessions, messages, and what hangs on them."""

from django.db import connections
from django.db.models.signals import post_migrate

from . import databases, schema


class ConversationsConfig(schema.KeptApp):
    name = "conversations"
    filled_by_triggers = ("import_deletions",)

    def ready(self):
        super().ready()
        post_migrate.connect(_store_fixed_rows, sender=self)

    def rebuild(self, cursor):
        databases.of(cursor.db).rebuild(cursor)

    def forget(self, cursor, session_ids):
        from . import forgetting

        forgetting.forget(cursor, session_ids)

    def check(self, cursor):
        return databases.of(cursor.db).differences(cursor)


def _store_fixed_rows(using, **_):
    """Store the rows that must be there: after each `migrate`, and after `flush` took them."""
    from .models import CostBasis

    if "cost_bases" in connections[using].introspection.table_names():
        CostBasis.store_fixed(using)
