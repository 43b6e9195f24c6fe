"""Whether staff can search by any part of a name, or by its beginning only."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from stripe_mirror.inbox.health.finding import Finding, ok, warning
from stripe_mirror.models.search_build import has_trigrams, how_to_mend


def check_search() -> list[Finding]:
    """One query."""
    if has_trigrams(connection):
        return [ok("search", _("Names, emails and numbers are found by any part of them."))]
    what = _(
        "Search finds names, emails and numbers by their beginning only: this database has no index of their parts."
    )
    return [warning("search", what, how_to_mend(connection))]
