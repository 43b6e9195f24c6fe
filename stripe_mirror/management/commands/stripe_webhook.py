"""`manage.py stripe_webhook create URL / list / check`: our endpoint in Stripe."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.conf import conf
from stripe_mirror.inbox.endpoints import BadUrl, Endpoint, create_endpoint, is_ours, list_endpoints, problems
from stripe_mirror.stripe_api.errors import StripeFailure


class Command(BaseCommand):
    """Registers, lists and checks the endpoint to which Stripe sends events."""

    help = "Register the webhook endpoint with Stripe, list the endpoints, or check ours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="Register the receiver at this address and print its secret, once.")
        create.add_argument("url", metavar="URL", help="For example https://office.example.com/stripe-webhooks/")
        verbs.add_parser("list", help="All endpoints of the account.")
        verbs.add_parser("check", help="Compare ours with what we need; exit code 1 where something is wrong.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Call the verb, with failures as sentences."""
        try:
            {"create": self._create, "list": self._list, "check": self._check}[options["verb"]](options)
        except (BadUrl, StripeFailure) as failure:
            raise CommandError(str(failure)) from None

    def _create(self, options: dict[str, Any]) -> None:
        endpoint = create_endpoint(options["url"])
        # Kept: while an endpoint is replaced, both may sign.
        secrets = ",".join([*conf.webhook_secrets, endpoint.secret]) if not conf.demo else endpoint.secret
        self.stdout.write(f"Registered {endpoint.id} for {len(endpoint.events)} events at {endpoint.url}.")
        self.stdout.write("Stripe tells the secret only now. Put this line into .env and restart the server:\n")
        self.stdout.write(f"STRIPE_WEBHOOK_SECRETS={secrets}")

    def _list(self, options: dict[str, Any]) -> None:
        for endpoint in list_endpoints():
            self.stdout.write(_line(endpoint))

    def _check(self, options: dict[str, Any]) -> None:
        ours = [endpoint for endpoint in list_endpoints() if is_ours(endpoint)]
        if not ours:
            raise CommandError(
                "No endpoint leads to us. Run: manage.py stripe_webhook create https://…/stripe-webhooks/"
            )
        wrong = [(endpoint, problem) for endpoint in ours for problem in problems(endpoint)]
        for endpoint in ours:
            self.stdout.write(_line(endpoint))
        lines = [f"{endpoint.id}: {problem}" for endpoint, problem in wrong]
        if not conf.webhook_secrets:
            lines.append("STRIPE_WEBHOOK_SECRETS is empty, so every event is refused. Put the endpoint's secret there.")
        if lines:
            raise CommandError("\n".join(lines))
        self.stdout.write("All is well.")


def _line(endpoint: Endpoint) -> str:
    version = endpoint.api_version or "account default"
    return f"{endpoint.id}  {endpoint.status}  {version}  {len(endpoint.events)} events  {endpoint.url}"
