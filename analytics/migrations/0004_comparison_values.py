"""Columns of comparisons refuse what cannot be compared: text, infinity, values beyond 1e18."""

from django.db import migrations
from django.db.models import CheckConstraint, Q

UNREADABLE = "The value was no number that can be compared."
RANGES = (
    ("comparisongroup", "comparison_groups", 1, 10**7, ("planned_prompts",)),
    (
        "comparisonresult", "comparison_results", -(10**18), 10**18,
        ("metric_value", "scale_low", "scale_high"),
    ),
    ("comparisonresult", "comparison_results", 0, 10**9, ("repetition",)),
    ("comparisonvote", "comparison_votes", 0, 10**9, ("repetition",)),
)  # fmt: skip


def mend(apps, schema_editor):
    """Empty what a program wrote that the constraints refuse; a value so lost is a failure."""
    for model, _, least, most, columns in RANGES:
        rows = apps.get_model("analytics", model).objects.using(schema_editor.connection.alias)
        for column in columns:
            # Where a column takes anything, text and bytes are greater than every number.
            wrong = rows.filter(
                ~Q(**{f"{column}__gte": least, f"{column}__lte": most}),
                **{f"{column}__isnull": False},
            )
            if column == "metric_value":
                wrong.filter(error="").update(error=UNREADABLE)
            wrong.update(**{column: 0 if column == "repetition" else None})


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_comparisons")]
    operations = [
        migrations.RunPython(mend, migrations.RunPython.noop),
        *(
            migrations.AddConstraint(
                model,
                CheckConstraint(
                    condition=Q(**{f"{column}__gte": least, f"{column}__lte": most}),
                    name=f"{table}_{column}_in_range",
                ),
            )
            for model, table, least, most, columns in RANGES
            for column in columns
        ),
    ]
