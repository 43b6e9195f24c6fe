"""The mirror's own addresses: the receiver of webhooks and the health check."""

from django.urls import path

from stripe_mirror.health import healthz, mirror_healthz
from stripe_mirror.inbox.address import noting_address
from stripe_mirror.inbox.views import receive

urlpatterns = [
    # Exact, with the slash: Stripe takes a redirect as a failure.
    path("stripe-webhooks/", noting_address(receive), name="stripe-webhooks"),
    path("healthz", healthz, name="healthz"),
    path("healthz/mirror", mirror_healthz, name="healthz-mirror"),
]
