"""On PostgreSQL: events and changes in month partitions, so that old months can be dropped (docs/scale.md)."""

from django.db import migrations
from django.utils import timezone

from stripe_mirror.models.partitions import convert


def partition(apps, schema_editor):
    """SQLite has no partitions: there, old rows are deleted."""
    if schema_editor.connection.vendor == "postgresql":
        now = timezone.now()
        convert(apps.get_model("stripe_mirror", "InboxEvent"), "created", now=now)
        convert(apps.get_model("stripe_mirror", "Change"), "recorded_at", now=now)


class Migration(migrations.Migration):
    dependencies = [
        ("stripe_mirror", "0004_backfill_parts"),
    ]

    operations = [
        # Backwards there is nothing to do: a partitioned table serves as a plain one.
        migrations.RunPython(partition, migrations.RunPython.noop),
    ]
