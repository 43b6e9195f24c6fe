"""Our settings as typed properties, read at use so that tests can override them."""

from pathlib import Path

from django.conf import settings


class Conf:
    """What the environment says about Stripe (see `.env.example`)."""

    @property
    def secret_key(self) -> str:
        """The secret or restricted key; it decides the mode and never leaves `stripe_api`."""
        return str(settings.STRIPE_SECRET_KEY)

    @property
    def livemode(self) -> bool:
        """True where the key moves real money."""
        return "_live_" in self.secret_key

    @property
    def demo(self) -> bool:
        """True where Stripe is our own stand-in."""
        return bool(settings.DEMO)

    @property
    def mode(self) -> str:
        """The mode in one word, as the badge in the admin shows it: demo, test or live."""
        return "demo" if self.demo else "live" if self.livemode else "test"

    @property
    def api_base(self) -> str:
        """Address of Stripe's API, without a trailing slash."""
        return str(settings.STRIPE_API_BASE)

    @property
    def api_version(self) -> str:
        """The API version to ask for, or "" for the SDK's own."""
        return str(settings.STRIPE_API_VERSION)

    @property
    def webhook_secrets(self) -> list[str]:
        """Signing secrets of our webhook endpoints; any of them may sign."""
        return list(settings.STRIPE_WEBHOOK_SECRETS)

    @property
    def webhook_tolerance(self) -> int:
        """How old a webhook's signature may be, in seconds."""
        return 300

    @property
    def webhook_max_bytes(self) -> int:
        """The largest webhook body that is read."""
        return 1_000_000

    @property
    def apply_in_request(self) -> bool:
        """Whether a webhook's event is applied before it is answered, instead of right after in a thread (tests)."""
        return bool(getattr(settings, "STRIPE_APPLY_IN_REQUEST", False))

    @property
    def max_requests_per_second(self) -> float:
        """Our own limit on calls to Stripe, below Stripe's (25/s in test mode, 100/s live)."""
        return float(settings.STRIPE_MAX_REQUESTS_PER_SECOND)

    @property
    def events_kept_days(self) -> int:
        """How long events are kept; never shorter than Stripe may send one again. 0: for ever."""
        return int(settings.EVENTS_KEPT_DAYS)

    @property
    def changes_kept_days(self) -> int:
        """How long the history of changes is kept, which is the audit trail too. 0: for ever."""
        return int(settings.CHANGES_KEPT_DAYS)

    @property
    def push_grace_seconds(self) -> int:
        """For how long a dangerous push can be taken back before it is sent. 0: it is sent at once."""
        return int(settings.PUSH_GRACE_SECONDS)

    @property
    def exports_dir(self) -> Path:
        """Where files of exports are kept; served by no one, only through the page of the export."""
        return Path(settings.EXPORTS_DIR)

    @property
    def exports_kept_days(self) -> int:
        """For how long the file of an export can be downloaded."""
        return int(settings.EXPORTS_KEPT_DAYS)

    @property
    def exports_stream_rows(self) -> int:
        """Up to how many rows an export is sent while it is read; more become a file."""
        return int(settings.EXPORTS_STREAM_ROWS)

    @property
    def dashboard_base(self) -> str:
        """Where a human sees the account: Stripe's Dashboard, or the sandbox's page in the demo."""
        if self.demo:
            return self.api_base
        return "https://dashboard.stripe.com" + ("" if self.livemode else "/test")


conf = Conf()
