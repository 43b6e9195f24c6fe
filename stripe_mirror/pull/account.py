"""Which account this database mirrors: one account and one mode, for good."""

from __future__ import annotations

from stripe_mirror.conf import conf
from stripe_mirror.models import MirroredAccount
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from stripe_mirror.sentences import tell
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import BadKey, NotPermitted


class OtherAccount(BadKey):
    """The key belongs to another account or mode than this database mirrors; the message says what to do."""


def require_mirrored_mode() -> None:
    """Before an object is read or changed: with a key of the other mode nothing would be found. Raises OtherAccount."""
    if known := MirroredAccount.objects.first():
        _same_mode(known)


def mirrored_account() -> MirroredAccount:
    """The account's row, made from Stripe's answer the first time. Raises OtherAccount and StripeFailures."""
    known = MirroredAccount.objects.first()
    if known is None or known.pk == UNKNOWN_ACCOUNT:
        return check_account()
    _same_mode(known)
    return known


def check_account() -> MirroredAccount:
    """Ask Stripe whose key this is, and compare. Raises OtherAccount and StripeFailures.

    A restricted key may lack the right to read the account: then only the mode can be compared.
    """
    known = MirroredAccount.objects.first()
    if known:
        _same_mode(known)
    try:
        answer = read.account().body
    except NotPermitted:
        return known or MirroredAccount.objects.create(pk=UNKNOWN_ACCOUNT, livemode=conf.livemode)
    return _record(known, answer["id"], _name(answer))


def _record(known: MirroredAccount | None, id: str, name: str) -> MirroredAccount:
    if known and known.pk not in (id, UNKNOWN_ACCOUNT):
        raise OtherAccount(
            tell(
                "This database mirrors the account %(known)s, but STRIPE_SECRET_KEY belongs to %(id)s. Nothing was "
                "changed. Use the key of the first account, or another DATABASE_URL for the second.",
                known=known.pk,
                id=id,
            )
        )
    seen = known.events_seen_until if known else None
    if known and known.pk == UNKNOWN_ACCOUNT:
        known.delete()
    values = {"livemode": conf.livemode, "name": name, "events_seen_until": seen}
    return MirroredAccount.objects.update_or_create(pk=id, defaults=values)[0]


def _same_mode(known: MirroredAccount) -> None:
    if known.livemode != conf.livemode:
        ours, theirs = ("live", "test") if conf.livemode else ("test", "live")
        raise OtherAccount(
            tell(
                "This database mirrors the %(theirs)s mode of %(known)s, but STRIPE_SECRET_KEY is a %(ours)s key. "
                "Nothing was changed. Use a key of that mode, or another DATABASE_URL for this one.",
                theirs=theirs,
                known=known,
                ours=ours,
            )
        )


def _name(account: dict[str, object]) -> str:
    for section in ("business_profile", "settings.dashboard"):
        found: object = account
        for key in (*section.split("."), "name" if section == "business_profile" else "display_name"):
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            return found[:255]
    return str(account.get("email") or "")[:255]
