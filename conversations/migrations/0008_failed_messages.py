from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0007_unpriced_messages"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("error_message__gt", "")),
                fields=["timestamp"],
                name="messages_failed",
            ),
        ),
    ]
