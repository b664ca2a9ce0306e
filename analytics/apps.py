"""What it adds up to: roll-ups, cost, model performance, comparisons."""

from conversations import bulk, schema


class AnalyticsConfig(schema.KeptApp):
    name = "analytics"
    filled_by_triggers = (
        "rollup_days",
        "rollup_day_facets",
        "rollup_hours",
        "rollup_hour_facets",
        "rollup_sessions",
        "rollup_session_facets",
        "rollup_histograms",
        "rollup_histogram_weeks",
        "rollup_project_histograms",
        "rollup_tools",
        "rollup_finishes",
    )

    def ready(self):
        from . import rollups

        super().ready()
        bulk.keepers.append(rollups)

    def rebuild(self, cursor):
        from . import rollups

        rollups.rebuild(cursor)

    def is_outdated(self, cursor):
        from . import rollups

        return rollups.zone_of(cursor) != rollups.zone_in_settings()

    def forget(self, cursor, session_ids):
        from .comparisons import forgetting

        forgetting.forget(cursor, session_ids)

    def drop_empty(self, cursor):
        from . import rollups

        rollups.drop_empty(cursor)

    def check(self, cursor):
        from . import rollups

        found: dict[str, list[rollups.Difference]] = {}
        for difference in rollups.check(cursor):
            found.setdefault(difference.table, []).append(difference)
        return [
            f"roll-up {table}: {len(rows)} rows or more differ from the messages, the first"
            f" {rows[0].key}: {rows[0].kept} are noted, {rows[0].counted} counted"
            for table, rows in found.items()
        ]
