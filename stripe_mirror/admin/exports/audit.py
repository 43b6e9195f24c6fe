"""The log of what was taken out of the back office; whoever hands rows out writes it down here, before they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from stripe_mirror.models import ExportRecord
from stripe_mirror.push.submit import display_name

Action = ExportRecord.Action


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What left: rows of a model by the list's query or one by one, and in which form."""

    model_name: str
    # How many: as counted just before where nobody knows it better.
    rows: int
    columns: tuple[str, ...] = ()
    file_format: str = "csv"
    # Whether personal data stood in it in the clear.
    personal: bool = False
    query: str = ""
    ids: tuple[str, ...] = field(default=())


def record(
    action: ExportRecord.Action,
    taken: Taken,
    *,
    user: User | AnonymousUser | None,
    ip: str | None = None,
    **more: Any,
) -> ExportRecord:
    """Add to the log that `user` took this; None, with `user_name`, where a command ran for nobody who signs in.

    `more` may name `export_id` of what became a file, and `user_name`.
    """
    person = user if isinstance(user, User) else None
    export_id: UUID | None = more.get("export_id")
    return ExportRecord.objects.create(
        action=action,
        user=person,
        user_name=more.get("user_name") or (display_name(person) if person else ""),
        ip_address=ip,
        at=timezone.now(),
        model_name=taken.model_name,
        query=taken.query,
        ids=list(taken.ids),
        columns=list(taken.columns),
        rows=taken.rows,
        file_format=taken.file_format,
        personal=taken.personal,
        export_id=export_id,
    )
