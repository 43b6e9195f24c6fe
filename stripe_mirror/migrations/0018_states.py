"""Indexes for what the lists' status filters say of payment methods, and of payments whose money went back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stripe_mirror", "0017_imports")]

    operations = [
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["latest_charge", "status"], name="payment_intent_latest_charge"),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(
                condition=models.Q(("customer__isnull", True)),
                fields=["created", "id"],
                name="payment_method_detached",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(
                condition=models.Q(("customer__isnull", False)),
                fields=["exp_year", "exp_month", "id"],
                name="payment_method_expiry",
            ),
        ),
        # The first part of the new one.
        migrations.RemoveIndex(model_name="paymentintent", name="payment_intent_charge"),
    ]
