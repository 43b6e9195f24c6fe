"""Payment intents are called payments, as the Dashboard calls them; the tables stay as they are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("stripe_mirror", "0019_speed")]

    operations = [
        migrations.AlterModelOptions(
            name="paymentintent",
            options={
                "default_permissions": ("view", "export"),
                "ordering": ("-created", "-id"),
                "permissions": (
                    ("capture_payment", "Can capture payments in Stripe"),
                    ("cancel_payment", "Can cancel payments in Stripe"),
                ),
                "verbose_name": "payment",
            },
        ),
    ]
