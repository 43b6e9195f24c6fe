"""The ready groups and what each may do, in one table. `manage.py setup_roles` creates them and may be run again."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission

from stripe_mirror.kinds import all_kinds

# Our own pages: what came in, what was sent, what changed, what ran.
INFRASTRUCTURE = ("inboxevent", "push", "job", "change", "syncrun", "mirroredaccount", "healthreport")
EVENT_ACTIONS = ("retry_event", "dismiss_event", "replay_event")


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
    Role(name="Viewer", views=True),
    Role(
        name="Support",
        includes=("Viewer",),
        permissions=("create_customer", "edit_customer", "keep_subscription"),
    ),
    Role(
        name="Billing",
        includes=("Support",),
        exports=True,
        # Who runs operations on many rows watches the job.
        permissions=("cancel_subscription", "run_job", "view_job"),
    ),
    Role(name="Finance", includes=("Viewer",), exports=True, permissions=("view_change",)),
    Role(
        name="Operator",
        includes=("Billing", "Finance"),
        permissions=(
            *(f"view_{model}" for model in INFRASTRUCTURE),
            *EVENT_ACTIONS,
            "view_difference",
            "run_reconcile",
            "run_sync",
            "view_customerlink",
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
