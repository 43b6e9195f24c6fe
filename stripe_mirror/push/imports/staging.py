"""Where a file is kept until it is confirmed or forgotten: in parts of some rows, compressed, private to its owner."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from stripe_mirror.models import Import, ImportPart
from stripe_mirror.push.imports.columns import guess_all, in_minor_units
from stripe_mirror.push.imports.judging import Row
from stripe_mirror.push.operation import Operation
from stripe_mirror.push.secrets import scrubbed

# Rows of a part: what is held in memory at once.
PART = 1_000
MOST_ROWS = 200_000
# How long a file is kept.
KEPT = timedelta(hours=24)


class WrongFile(Exception):
    """The file can't be read; the message is one sentence about it. Nothing of it was kept."""


@dataclass
class Table:
    """A file as it is read: its headers at once, its rows one by one, once."""

    headers: list[str]
    rows: Iterable[Row]
    # What it was found to be, in words.
    file_format: str
    file_name: str = ""


def stage(operation: Operation, table: Table, *, owner: User) -> Import:
    """Keep a file, its columns matched as its headers suggest. Raises WrongFile, having stored nothing.

    It is read to its end first: a broken last row must leave nothing behind, and reading takes longer than SQLite's
    one writer should wait.
    """
    with TemporaryFile() as spooled:
        parts, total = _spool(table.rows, spooled)
        if not total:
            raise WrongFile(_("The file has no rows below its headers."))
        guesses = guess_all(operation, table.headers)
        upload = Import(
            owner=owner,
            operation=operation.name,
            object_type=operation.object_type,
            file_name=scrubbed(table.file_name)[:255],
            file_format=table.file_format[:255],
            headers=[header.replace("\0", "") for header in table.headers],
            targets=[guess.target.replace("\0", "") for guess in guesses],
            minor_units=in_minor_units(table.headers),
            language=get_language() or "",
            total=total,
            expires_at=timezone.now() + KEPT,
        )
        spooled.seek(0)
        with transaction.atomic():
            upload.save(force_insert=True)
            for number, size in enumerate(parts, start=1):
                ImportPart.objects.create(upload=upload, number=number, content=spooled.read(size))
    return upload


def _spool(rows: Iterable[Row], into: IO[bytes]) -> tuple[list[int], int]:
    """Write the compressed parts; their sizes, and how many rows there are."""
    sizes, total, held = [], 0, []
    for row in rows:
        held.append(row)
        total += 1
        if total > MOST_ROWS:
            raise WrongFile(too_many_words())
        if len(held) == PART:
            sizes.append(into.write(_packed(held)))
            held = []
    if held:
        sizes.append(into.write(_packed(held)))
    return sizes, total


def too_many_words() -> str:
    """The limit of rows, as a sentence."""
    words = ngettext("The file has more than %(n)s row.", "The file has more than %(n)s rows.", MOST_ROWS)
    return f"{words % {'n': f'{MOST_ROWS:,}'}} {_('Split it.')}"


def _packed(rows: Sequence[Row]) -> bytes:
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode(errors="surrogatepass"), 1)


def rows_of(upload: Import, number: int) -> list[Row]:
    """A part's rows; none where it is gone."""
    part = ImportPart.objects.filter(upload=upload, number=number).first()
    if part is None:
        return []
    return [(row, cells) for row, cells in json.loads(zlib.decompress(part.content).decode(errors="surrogatepass"))]


def parts_of(upload: Import) -> int:
    """How many parts it has."""
    return -(-upload.total // PART)


def find(import_id: UUID, user: User | AnonymousUser) -> Import | None:
    """A person's own import, while it is kept."""
    return Import.objects.alive().filter(pk=import_id, owner_id=user.pk).first()


def forget_expired() -> int:
    """Delete the imports whose time is over, with all that was kept of their files."""
    gone = Import.objects.filter(expires_at__lte=timezone.now()).exclude(state=Import.State.STARTING)
    count = gone.count()
    gone.delete()
    return count
