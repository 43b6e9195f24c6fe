"""What staff can do to promotion codes. They are made for a coupon, switched off and on, never deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Coupon, Customer, Push, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import moments, state
from stripe_mirror.push.choices import coupon_name
from stripe_mirror.push.coupons import running_discounts
from stripe_mirror.push.editing import SwitchActive, why_not_deleted
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.operation import Call, Operation, register
from stripe_mirror.push.price_forms import usual_currency
from stripe_mirror.push.promotion_code_forms import CreatePromotionCodeForm, holder_of, taken_words

PROMOTION_CODES = "/v1/promotion_codes"
# Until 2025 the whole coupon stood in the code.
COUPON_PATHS = (("promotion", "coupon"), ("coupon",))
RESTRICTIONS = ("first_time_transaction", "minimum_amount")


@register
class CreatePromotionCode(Operation):
    """https://docs.stripe.com/api/promotion_codes/create"""

    name = "create_promotion_code"
    label = gettext_lazy("Create promotion code")
    short_description = gettext_lazy(
        "What customers write to get this coupon: for all of them or for one, with limits of its own."
    )
    object_type = "coupon"
    form_class = CreatePromotionCodeForm
    adds = True
    importable = Importable(
        columns={
            "currency": "minimum_amount_currency",
            "restrictions.minimum_amount": "minimum_amount",
            "restrictions.minimum_amount_currency": "minimum_amount_currency",
            "restrictions.first_time_transaction": "first_time_transaction",
        },
        key="coupon",
        by_row=None,
    )
    decisions = tuple(name for name in CreatePromotionCodeForm.base_fields if name != "reason")
    final_warning = gettext_lazy(
        "A promotion code can be deactivated, but not deleted; but for its metadata it can't be changed afterwards."
    )

    def why_not(self, row: StripeObject) -> str:
        """Stripe makes none for a coupon that is used up or has expired."""
        if reason := why_not_deleted(row):
            return reason
        return (
            "" if row.data.get("valid") else _("This coupon can't be redeemed any more, so no code can be made for it.")
        )

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The coupon's currency, or the usual one."""
        return {"minimum_amount_currency": state.text(row.data.get("currency")) or usual_currency()}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation with what is filled in; the coupon's place is that of versions since 2025-09-30."""
        names = ("code", "customer", "expires_at", "max_redemptions", "metadata")
        params = {name: cleaned[name] for name in names if cleaned.get(name)}
        limits = {name: cleaned[name] for name in RESTRICTIONS if cleaned.get(name)}
        if "minimum_amount" in limits:
            limits["minimum_amount_currency"] = cleaned["minimum_amount_currency"]
        promotion = {"promotion": {"type": "coupon", "coupon": row.pk}}
        return Call("post", PROMOTION_CODES, {**promotion, **params, **({"restrictions": limits} if limits else {})})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What it is, and each of its limits."""
        params = self.plan(row, cleaned).params
        lines = [_("Coupon: %(coupon)s") % {"coupon": coupon_name(Coupon(id=row.pk, data=row.data))}]
        lines.append(
            _("Code: %(code)s") % {"code": params["code"]} if "code" in params else _("Code: Stripe makes one up.")
        )
        lines += _limits_in_words(params)
        return lines + [
            _("Metadata “%(key)s”: %(value)s") % {"key": key, "value": value}
            for key, value in params.get("metadata", {}).items()
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """It works at once."""
        follows = [_("It works at once, wherever customers can write a promotion code.")]
        if cleaned.get("minimum_amount"):
            follows.append(_("Stripe doesn't take it on a running subscription, because the amount may change there."))
        return Effects(follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Nothing of the coupon changes; afterwards the new code's id and terms."""
        if row.kind.object != "promotion_code":
            return {}
        return {"promotion_code": row.pk, "code": row.data.get("code"), **state.touched(row.data, call.params)}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """No coupon tells of its codes."""
        return False

    def undo(self, push: Push) -> Undo | None:
        """Switch off what was made."""
        made = _made_by(push)
        return Undo(DeactivatePromotionCode.name, object_type="promotion_code", object_id=made) if made else None


def _limits_in_words(params: Mapping[str, Any]) -> list[str]:
    lines, limits = [], params.get("restrictions", {})
    if customer := params.get("customer"):
        known = Customer.objects.filter(pk=customer).first()
        lines.append(
            _("Only for one customer: %(known)s (%(customer)s)") % {"known": known, "customer": customer}
            if known
            else _("Only for one customer: %(customer)s") % {"customer": customer}
        )
    if often := params.get("max_redemptions"):
        words = ngettext("It can be used once.", "It can be used %(number)s times.", often)
        lines.append(words % {"number": often})
    if expires := params.get("expires_at"):
        lines.append(_("It can be used until %(moment)s.") % {"moment": moments.moment_words(expires)})
    if limits.get("first_time_transaction"):
        lines.append(_("Only for a customer's first payment."))
    if amount := limits.get("minimum_amount"):
        lines.append(
            _("Only for orders of at least %(amount)s.")
            % {"amount": format_money(amount, limits["minimum_amount_currency"])}
        )
    return lines


def _made_by(push: Push) -> str:
    """The id of the code that a push made: from the answer, or from what came under its key; "" if not known."""
    if isinstance(known := push.after.get("promotion_code"), str):
        return known
    change = push.changes.filter(object_type="promotion_code").order_by("id").first()
    return change.object_id if change else ""


@register
class DeactivatePromotionCode(SwitchActive):
    """https://docs.stripe.com/api/promotion_codes/update#update_promotion_code-active"""

    name = "deactivate_promotion_code"
    label = gettext_lazy("Deactivate promotion code")
    short_description = gettext_lazy("Nobody can use it any more. Discounts that were made with it stay.")
    object_type = "promotion_code"
    active = False
    inverse = "reactivate_promotion_code"
    off = gettext_lazy("inactive")

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Which discounts go on."""
        stay = running_discounts(promotion_code=row.pk)
        follows = [
            _("Stays until its end: %(stay)s.") % {"stay": stay} if stay else _("No running discount was made with it.")
        ]
        return Effects(follows=(*follows, _("Its letters are free for another code.")))


@register
class ReactivatePromotionCode(SwitchActive):
    """https://docs.stripe.com/api/promotion_codes/update#update_promotion_code-active"""

    name = "reactivate_promotion_code"
    label = gettext_lazy("Reactivate promotion code")
    short_description = gettext_lazy("Customers can use it again, within the limits that it has.")
    object_type = "promotion_code"
    active = True
    inverse = "deactivate_promotion_code"
    off = gettext_lazy("inactive")

    def why_not_switched(self, row: StripeObject) -> str:
        """Stripe does it only while the coupon is valid and the code could be redeemed otherwise, too."""
        expires = row.data.get("expires_at")
        if isinstance(expires, int) and expires <= moments.now():
            return _("This promotion code has expired on %(moment)s.") % {"moment": moments.moment_words(expires)}
        if _is_used_up(row):
            return _("This promotion code has been used as often as it may be.")
        if not _has_valid_coupon(row):
            return _("The coupon of this promotion code can't be redeemed any more.")
        other = holder_of(state.text(row.data.get("code")), state.text(_owner(row)), but=row.pk)
        return taken_words(other) if other else ""

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """At once."""
        return Effects(follows=(_("It works at once, wherever customers can write a promotion code."),))


def _is_used_up(row: StripeObject) -> bool:
    most, used = row.data.get("max_redemptions"), row.data.get("times_redeemed")
    return isinstance(most, int) and isinstance(used, int) and used >= most


def _has_valid_coupon(row: StripeObject) -> bool:
    """As far as the mirror knows; one that it lacks, Stripe judges. No coupon that isn't valid becomes so again."""
    id = next((id for path in COUPON_PATHS if (id := state.text(state.look_up(row.data, path)))), "")
    coupon = Coupon.objects.filter(pk=id).first()
    return coupon is None or not (coupon.deleted_at or coupon.data.get("valid") is False)


def _owner(row: StripeObject) -> Any:
    """The customer that the code is for."""
    return state.look_up(row.data, ("customer",))
