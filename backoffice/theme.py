"""How the admin looks: Unfold's settings (sidebar, colours, environment badge)."""

UNFOLD: dict[str, object] = {
    "SITE_TITLE": "Stripe back office",
    "SITE_HEADER": "Stripe back office",
}
