"""What the worker clears away: files whose time is over, leftovers of killed workers, and runs nobody looks at."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from stripe_mirror.admin.exports import files
from stripe_mirror.admin.exports.claiming import LEASE
from stripe_mirror.models import Export

# How long a run without a file is listed; the log of exports keeps everything.
LISTED = timedelta(days=90)
# A file that no run knows may just be coming into being.
YOUNG = 10 * LEASE
OVER = (Export.State.FAILED, Export.State.CANCELLED, Export.State.EXPIRED)


def tidy() -> None:
    """Do all of it; may run at any time, and twice side by side."""
    expire()
    Export.objects.filter(state__in=OVER, created_at__lt=timezone.now() - LISTED).delete()
    remove_strays()


def expire() -> int:
    """Delete the files whose time is over; how many."""
    over = Export.objects.filter(state=Export.State.READY, expires_at__lte=timezone.now())
    found = list(over.values_list("pk", "file_name"))
    for pk, name in found:
        # First nobody is offered it any more, then it goes.
        over.filter(pk=pk).update(state=Export.State.EXPIRED)
        files.remove(name)
    return len(found)


def remove_strays() -> None:
    """Delete what no run offers or writes: of killed workers, and of people whose account was deleted."""
    present = files.older_than(YOUNG)
    if not present:
        return
    offered = set(Export.objects.filter(state=Export.State.READY).values_list("file_name", flat=True))
    claims = {str(claim) for claim in Export.objects.filter(state=Export.State.RUNNING).values_list("claim", flat=True)}
    for name in present - offered:
        if not any(claim in name for claim in claims):
            files.remove(name)
