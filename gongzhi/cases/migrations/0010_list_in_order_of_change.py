"""An index for programs that follow what changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_reply_wordings_and_saved_filters")]
    operations = [
        migrations.AddIndex(
            "case",
            models.Index(
                fields=["updated_at", "id"],
                condition=models.Q(("is_public", True)),
                name="case_public_changed",
            ),
        ),
    ]
