"""What `makemigrations` and `migrate` compare models with: Django's finds that an added relation depends on itself."""

from __future__ import annotations

from typing import Any

from django.db.migrations.autodetector import MigrationAutodetector

from stripe_mirror.models.fields import FromJson


class Autodetector(MigrationAutodetector):
    """Knows that a derived column depends on nothing but `data`, which every mirrored table has from the start."""

    def _get_dependencies_for_generated_field(self, field: Any) -> list[Any]:
        if isinstance(field, FromJson):
            return []
        return list(super()._get_dependencies_for_generated_field(field))  # type: ignore[misc]
