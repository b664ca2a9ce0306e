"""Looking after the file: backup, restore, vacuum, checks, sizes."""

from conversations import schema


class MaintenanceConfig(schema.KeptApp):
    name = "maintenance"

    def ready(self):
        from conversations import writing

        from . import purging

        super().ready()
        writing.erasers.append(purging)

    def forget(self, cursor, session_ids):
        from . import setting_aside

        setting_aside.forget(cursor, session_ids)
