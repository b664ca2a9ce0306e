from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_unpriced_totals"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="session",
            name="sessions_by_project",
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=[
                    "project",
                    "started_at",
                    "model",
                    "total_cost_nanos",
                    "total_input_tokens",
                    "total_output_tokens",
                    "completed_at",
                    "deleted_at",
                ],
                name="sessions_by_project",
            ),
        ),
    ]
