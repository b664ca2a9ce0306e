"""Looking after the file: backup, restore, vacuum, checks, sizes."""

from conversations import schema


class MaintenanceConfig(schema.KeptApp):
    name = "maintenance"

    def ready(self):
        from conversations import writing

        from . import erasing

        super().ready()
        writing.erasers.append(erasing.purge)

    def forget(self, cursor, session_ids):
        from . import setting_aside

        setting_aside.forget(cursor, session_ids)
