"""Lets one worker at a time read an object that several look for, as the children of one missing parent do.

The claim is a wish like those of `pull.implied`: where its holder dies or fails, the sweep reads the object later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone

from stripe_mirror.kinds import Kind
from stripe_mirror.models import Refresh
from stripe_mirror.pull.implied import Wish

# How long one worker keeps the others away from what it reads.
LEASE = timedelta(minutes=5)


@contextmanager
def claim(kind: Kind, id: str) -> Iterator[bool]:
    """Whether nobody else reads this object; then nobody else does until the end of the block."""
    path = kind.path(id)
    key = Wish(kind.object, path, params=(), inside="", since=None).key
    wish = {"object_type": kind.object, "path": path, "due_at": timezone.now() + LEASE}
    _, mine = Refresh.objects.get_or_create(key=key, defaults=wish)
    yield mine
    if mine:
        Refresh.objects.filter(pk=key).delete()
