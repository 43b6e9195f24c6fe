"""`manage.py stripe_webhook create URL / list / check / update / rotate / disable / delete`: our endpoint in Stripe."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.conf import conf
from stripe_mirror.inbox import endpoints
from stripe_mirror.inbox.endpoints import BadUrl, Endpoint, NotOurs, is_ours, list_endpoints, problems
from stripe_mirror.stripe_api.errors import StripeFailure

CREATE = "manage.py stripe_webhook create https://…/stripe-webhooks/"


class Command(BaseCommand):
    """Registers, checks and replaces the endpoint to which Stripe sends events (see docs/webhooks.md)."""

    help = "Register the webhook endpoint with Stripe; list, check, update, replace or remove it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="Register the receiver at this address and print its secret, once.")
        create.add_argument("url", metavar="URL", help="For example https://office.example.com/stripe-webhooks/")
        verbs.add_parser("list", help="All endpoints of the account.")
        verbs.add_parser("check", help="Compare ours with what we need; exit code 1 where something is wrong.")
        verbs.add_parser("update", help="Have ours send exactly the events that we need.")
        rotate = verbs.add_parser("rotate", help="Register a second endpoint beside ours: a new secret, our version.")
        rotate.add_argument("id", metavar="ID", nargs="?", default="", help="the one to replace, where there are more")
        for verb, what in (("disable", "Have one deliver nothing."), ("delete", "Take one away for good.")):
            verbs.add_parser(verb, help=what).add_argument("id", metavar="ID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Call the verb, with failures as sentences."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except (BadUrl, NotOurs, StripeFailure) as failure:
            raise CommandError(str(failure)) from None

    def _create(self, options: dict[str, Any]) -> None:
        self._tell_secret(endpoints.create_endpoint(options["url"]))

    def _rotate(self, options: dict[str, Any]) -> None:
        old, new = endpoints.rotate_endpoint(options["id"])
        self._tell_secret(new)
        self.stdout.write(
            f"\nUntil {old.id} is gone every event arrives twice and counts once. When the new secret is at work "
            f"everywhere (`manage.py stripe_doctor`), run:\nmanage.py stripe_webhook delete {old.id}\n"
            "and take the old secret out of STRIPE_WEBHOOK_SECRETS."
        )

    def _tell_secret(self, endpoint: Endpoint) -> None:
        self.stdout.write(f"Registered {endpoint.id} for {len(endpoint.events)} events at {endpoint.url}.")
        if not conf.webhook_secrets or conf.demo:
            self.stdout.write("Stripe tells the secret only now. Put this line into .env and restart the server:\n")
            self.stdout.write(f"STRIPE_WEBHOOK_SECRETS={endpoint.secret}")
            return
        # The others are not repeated: this lands in terminals and logs.
        self.stdout.write(
            "Stripe tells the secret only now. Append it in .env to STRIPE_WEBHOOK_SECRETS, after a comma (the others "
            "stay: while an endpoint is replaced, both sign), and restart the server:\n"
        )
        self.stdout.write(endpoint.secret)

    def _list(self, options: dict[str, Any]) -> None:
        for endpoint in list_endpoints():
            self.stdout.write(_line(endpoint))

    def _update(self, options: dict[str, Any]) -> None:
        ours = [endpoint for endpoint in list_endpoints() if is_ours(endpoint)]
        if not ours:
            raise CommandError(f"No endpoint leads to us. Run: {CREATE}")
        for endpoint in ours:
            self.stdout.write(_line(endpoints.update_endpoint(endpoint)))

    def _disable(self, options: dict[str, Any]) -> None:
        self.stdout.write(_line(endpoints.disable_endpoint(options["id"])))

    def _delete(self, options: dict[str, Any]) -> None:
        gone = endpoints.delete_endpoint(options["id"])
        self.stdout.write(f"Deleted {gone.id} at {gone.url}. Take its secret out of STRIPE_WEBHOOK_SECRETS.")

    def _check(self, options: dict[str, Any]) -> None:
        ours = [endpoint for endpoint in list_endpoints() if is_ours(endpoint)]
        if not ours:
            raise CommandError(f"No endpoint leads to us. Run: {CREATE}")
        for endpoint in ours:
            self.stdout.write(_line(endpoint))
        lines = [f"{endpoint.id}: {problem}" for endpoint in ours for problem in problems(endpoint)]
        if not conf.webhook_secrets:
            lines.append("STRIPE_WEBHOOK_SECRETS is empty, so every event is refused. Put the endpoint's secret there.")
        if lines:
            raise CommandError("\n".join(lines))
        self.stdout.write("All is well.")


def _line(endpoint: Endpoint) -> str:
    version = endpoint.api_version or "account default"
    return f"{endpoint.id}  {endpoint.status}  {version}  {len(endpoint.events)} events  {endpoint.url}"
