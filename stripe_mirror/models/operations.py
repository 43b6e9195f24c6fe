"""A migration operation for derived columns: any number of them on one table for the price of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from stripe_mirror.models.search_build import build


class AddColumns(Operation):
    """Add derived columns to a filled table in one ALTER: each `AddField` would rewrite the whole table.

    Their values come from the stored objects, so no call to Stripe is made (S20). `docs/scale.md` says how long the
    table is locked.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, fields: Sequence[tuple[str, models.Field[Any, Any]]]) -> None:
        self.model_name = model_name
        self.fields = list(fields)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model has the fields."""
        for name, field in self.fields:
            state.add_field(app_label, self.model_name.lower(), name, field, preserve_default=True)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """One rewrite of the table."""
        model = to_state.apps.get_model(app_label, self.model_name)
        editor: Any = schema_editor
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        if editor.connection.vendor == "sqlite":
            # The table is made anew from the model, which has all of them.
            editor._remake_table(model)
            # Its triggers are gone with the old table.
            build(editor.connection)
            return
        added = [model._meta.get_field(name) for name, _ in self.fields]
        columns = [
            f"ADD COLUMN {editor.quote_name(field.column)} {editor.column_sql(model, field)[0]}" for field in added
        ]
        editor.execute(f"ALTER TABLE {editor.quote_name(model._meta.db_table)} {', '.join(columns)}")
        for field in added:
            editor.deferred_sql.extend(editor._field_indexes_sql(model, field))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Without them; dropping is quick."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for name, _ in self.fields:
                schema_editor.remove_field(model, model._meta.get_field(name))
            if schema_editor.connection.vendor == "sqlite":
                build(schema_editor.connection)

    def describe(self) -> str:
        """As `migrate` prints it."""
        return f"Add derived columns {', '.join(name for name, _ in self.fields)} to {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """For names made up by Django."""
        return f"{self.model_name.lower()}_columns"
