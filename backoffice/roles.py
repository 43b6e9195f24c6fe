"""The ready groups and what each may do, in one table. `manage.py setup_roles` creates them and may be run again."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission

from stripe_mirror.kinds import all_kinds

# Our own pages: what came in, what was sent, what changed, what ran.
INFRASTRUCTURE = (
    "inboxevent",
    "push",
    "job",
    "change",
    "syncrun",
    "mirroredaccount",
    "healthreport",
    "exportrecord",
)
EVENT_ACTIONS = ("retry_event", "dismiss_event", "replay_event")
SUBSCRIPTION_OPERATIONS = (
    "create_subscription",
    "cancel_subscription",
    "pause_collection",
    "pause_subscription",
    "resume_subscription",
    "change_subscription_plan",
    "add_subscription_item",
    "remove_subscription_item",
    "change_trial",
    "apply_discount",
    "remove_discount",
    "switch_collection_method",
    "reset_billing_anchor",
    "create_schedule",
    "release_schedule",
    "cancel_schedule",
)
INVOICE_OPERATIONS = (
    "create_invoice",
    "edit_invoice",
    "finalize_invoice",
    "pay_invoice",
    "delete_draft_invoice",
    "void_invoice",
    "mark_invoice_uncollectible",
)
# By which money is given away or given up.
MONEY_OPERATIONS = (
    "refund_charge",
    "cancel_refund",
    "capture_payment",
    "cancel_payment",
    "create_credit_note",
    "void_credit_note",
    "adjust_customer_balance",
    "mark_invoice_paid",
    "mark_invoice_uncollectible",
    "void_invoice",
    "stage_dispute_evidence",
    "submit_dispute_evidence",
    "accept_dispute",
)
CATALOG_OPERATIONS = (
    "create_product",
    "edit_product",
    "archive_product",
    "unarchive_product",
    "create_price",
    "edit_price",
    "archive_price",
    "unarchive_price",
    "replace_price",
    "create_coupon",
    "edit_coupon",
    "delete_stripe_coupon",
    "create_promotion_code",
    "deactivate_promotion_code",
    "reactivate_promotion_code",
    "create_tax_rate",
    "edit_tax_rate",
    "archive_tax_rate",
    "unarchive_tax_rate",
)


@dataclass(frozen=True, kw_only=True)
class Role:
    """A group's permissions, by codename; each role adds to those that it includes."""

    name: str
    includes: tuple[str, ...] = ()
    # Whether it may view, and download, every mirrored kind: also the kinds that are added later.
    views: bool = False
    exports: bool = False
    # Operations of `push`, and our own pages.
    permissions: tuple[str, ...] = ()


ROLES = (
    Role(name="Viewer", views=True, permissions=("view_note",)),
    Role(
        name="Support",
        includes=("Viewer",),
        permissions=(
            "create_customer",
            "edit_customer",
            "add_tax_id",
            "remove_tax_id",
            "set_default_payment_method",
            "change_subscription_payment_method",
            "keep_subscription",
            "unpause_collection",
            "send_invoice",
            "stage_dispute_evidence",
            "add_note",
            "view_invoice_links",
        ),
    ),
    Role(
        name="Billing",
        includes=("Support",),
        exports=True,
        # Who runs operations on many rows watches the job. Who writes to customers needs their addresses: nobody else
        # has personal data in files.
        permissions=(
            *SUBSCRIPTION_OPERATIONS,
            *INVOICE_OPERATIONS,
            "remove_customer_discount",
            "run_job",
            "view_job",
            "share_savedview",
            "view_pii",
            "schedule_export",
        ),
    ),
    Role(
        name="Finance",
        includes=("Viewer",),
        exports=True,
        permissions=(
            *MONEY_OPERATIONS,
            "run_job",
            "view_job",
            "view_change",
            "share_savedview",
            "schedule_export",
            "add_note",
            "view_invoice_links",
        ),
    ),
    Role(
        name="Catalog",
        includes=("Viewer",),
        permissions=(*CATALOG_OPERATIONS, "run_job", "view_job", "share_savedview"),
    ),
    Role(
        name="Operator",
        includes=("Billing", "Finance", "Catalog"),
        permissions=(
            "delete_stripe_customer",
            "detach_payment_method",
            *(f"view_{model}" for model in INFRASTRUCTURE),
            *EVENT_ACTIONS,
            "export_push",
            "approve_push",
            "view_difference",
            "run_reconcile",
            "run_sync",
            "view_customerlink",
            "view_noterevision",
            "view_user",
            "view_group",
        ),
    ),
    # On top of another role, for those who may change the live account: nobody can by default.
    Role(name="Live", permissions=("act_live",)),
)


def codenames(name: str) -> set[str]:
    """Every permission of a role, with those of the roles that it includes."""
    role = next(role for role in ROLES if role.name == name)
    own = set(role.permissions)
    for included in role.includes:
        own |= codenames(included)
    for kind in all_kinds():
        own |= {f"view_{kind.model_name}"} if role.views else set()
        own |= {f"export_{kind.model_name}"} if role.exports else set()
    return own


def setup_roles() -> list[Group]:
    """Create the groups, or bring their permissions to what the table says. Other groups are left alone."""
    return [_setup(role) for role in ROLES]


def _setup(role: Role) -> Group:
    wanted = codenames(role.name)
    found = Permission.objects.filter(
        codename__in=wanted, content_type__app_label__in=("stripe_mirror", "auth")
    ).select_related("content_type")
    if missing := wanted - {permission.codename for permission in found}:
        raise LookupError(
            f"The role {role.name} names permissions that don't exist: {', '.join(sorted(missing))}. "
            "Run `manage.py migrate` first; if that doesn't help, correct backoffice/roles.py."
        )
    group, _ = Group.objects.get_or_create(name=role.name)
    group.permissions.set(found)
    return group
