# Notes, saved views, preferences and figures, and the indexes of what lists and pages ask for.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("stripe_mirror", "0014_duplicates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FigureProgress",
            fields=[
                ("source", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("cursor_at", models.DateTimeField(null=True)),
                ("cursor_id", models.CharField(blank=True, max_length=255)),
                ("pass_began_at", models.DateTimeField(null=True)),
                ("summed_until", models.DateTimeField(null=True)),
                ("stale_days", models.JSONField(default=list)),
                ("stale_from", models.DateField(null=True)),
                ("filled_at", models.DateTimeField(null=True)),
                ("computed_at", models.DateTimeField(null=True)),
                ("exact_since", models.DateTimeField(null=True)),
                ("zone", models.CharField(blank=True, max_length=64)),
                ("formulas", models.PositiveIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MoneyDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=255)),
                ("day", models.DateField()),
                ("paid", models.BigIntegerField(default=0)),
                ("paid_count", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("failed_count", models.BigIntegerField(default=0)),
                ("refunded", models.BigIntegerField(default=0)),
                ("refunded_count", models.BigIntegerField(default=0)),
                ("disputed", models.BigIntegerField(default=0)),
                ("disputed_count", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ("day",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MrrDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=255)),
                ("day", models.DateField()),
                ("mrr", models.BigIntegerField()),
                ("subscribers", models.BigIntegerField()),
                ("new", models.BigIntegerField(default=0)),
                ("new_count", models.BigIntegerField(default=0)),
                ("reactivation", models.BigIntegerField(default=0)),
                ("reactivation_count", models.BigIntegerField(default=0)),
                ("expansion", models.BigIntegerField(default=0)),
                ("expansion_count", models.BigIntegerField(default=0)),
                ("contraction", models.BigIntegerField(default=0)),
                ("contraction_count", models.BigIntegerField(default=0)),
                ("churn", models.BigIntegerField(default=0)),
                ("churn_count", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ("day",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MrrMovement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer", models.CharField(max_length=255)),
                ("currency", models.CharField(max_length=255)),
                ("day", models.DateField()),
                (
                    "nature",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("reactivation", "Reactivation"),
                            ("expansion", "Expansion"),
                            ("contraction", "Contraction"),
                            ("churn", "Churn"),
                        ],
                        max_length=16,
                    ),
                ),
                ("before", models.BigIntegerField()),
                ("after", models.BigIntegerField()),
            ],
            options={
                "ordering": ("-day", "-id"),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_type", models.CharField(max_length=255)),
                ("object_id", models.CharField(max_length=255)),
                ("customer_id", models.CharField(blank=True, max_length=255)),
                ("author_name", models.CharField(blank=True, max_length=255)),
                ("text", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="NoteRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("written_at", models.DateTimeField()),
                ("replaced_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("id",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("time_zone", models.CharField(blank=True, max_length=64)),
                ("language", models.CharField(blank=True, max_length=16)),
            ],
            options={
                "verbose_name_plural": "preferences",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_type", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, max_length=60)),
                ("shared", models.BooleanField(default=False)),
                ("query", models.TextField(blank=True)),
                ("columns", models.JSONField(default=list)),
                ("first_view", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("name", "id"),
                "permissions": (("share_savedview", "Can share saved views of lists with everyone"),),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StandingFigures",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("computed_at", models.DateTimeField()),
                ("content", models.JSONField(default=dict)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SubscriptionAmount",
            fields=[
                ("subscription", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("customer", models.CharField(blank=True, max_length=255)),
                ("currency", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(blank=True, max_length=255)),
                ("amount", models.BigIntegerField(default=0)),
                ("version", models.BigIntegerField()),
                ("moved_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=255)),
            ],
            options={
                "ordering": ("-amount", "subscription"),
                "default_permissions": (),
            },
        ),
        migrations.AlterModelOptions(
            name="invoice",
            options={
                "default_permissions": ("view", "export"),
                "ordering": ("-created", "-id"),
                "permissions": (
                    ("create_invoice", "Can create invoices in Stripe"),
                    ("edit_invoice", "Can edit draft invoices in Stripe"),
                    ("finalize_invoice", "Can finalize invoices in Stripe"),
                    ("send_invoice", "Can send invoices in Stripe"),
                    ("pay_invoice", "Can collect invoices in Stripe"),
                    ("mark_invoice_paid", "Can mark invoices as paid outside Stripe"),
                    ("void_invoice", "Can void invoices in Stripe"),
                    ("mark_invoice_uncollectible", "Can mark invoices as uncollectible in Stripe"),
                    ("delete_draft_invoice", "Can delete draft invoices in Stripe"),
                    ("create_credit_note", "Can issue credit notes in Stripe"),
                    ("view_invoice_links", "Can open invoices' hosted pages and PDF files, which need no login"),
                ),
            },
        ),
        migrations.RemoveIndex(
            model_name="balancetransaction",
            name="balance_tx_created",
        ),
        migrations.RemoveIndex(
            model_name="charge",
            name="charge_created",
        ),
        migrations.RemoveIndex(
            model_name="charge",
            name="charge_status",
        ),
        migrations.RemoveIndex(
            model_name="charge",
            name="charge_last4",
        ),
        migrations.RemoveIndex(
            model_name="checkoutsession",
            name="checkout_created",
        ),
        migrations.RemoveIndex(
            model_name="checkoutsession",
            name="checkout_status",
        ),
        migrations.RemoveIndex(
            model_name="coupon",
            name="coupon_created",
        ),
        migrations.RemoveIndex(
            model_name="creditnote",
            name="credit_note_created",
        ),
        migrations.RemoveIndex(
            model_name="customer",
            name="customer_created",
        ),
        migrations.RemoveIndex(
            model_name="customerbalancetransaction",
            name="customer_balance_created",
        ),
        migrations.RemoveIndex(
            model_name="discount",
            name="discount_created",
        ),
        migrations.RemoveIndex(
            model_name="dispute",
            name="dispute_created",
        ),
        migrations.RemoveIndex(
            model_name="dispute",
            name="dispute_status",
        ),
        migrations.RemoveIndex(
            model_name="invoice",
            name="invoice_created",
        ),
        migrations.RemoveIndex(
            model_name="invoice",
            name="invoice_status",
        ),
        migrations.RemoveIndex(
            model_name="invoiceitem",
            name="invoice_item_created",
        ),
        migrations.RemoveIndex(
            model_name="invoicelineitem",
            name="invoice_line_period",
        ),
        migrations.RemoveIndex(
            model_name="invoicepayment",
            name="invoice_payment_created",
        ),
        migrations.RemoveIndex(
            model_name="paymentintent",
            name="payment_intent_created",
        ),
        migrations.RemoveIndex(
            model_name="paymentintent",
            name="payment_intent_status",
        ),
        migrations.RemoveIndex(
            model_name="paymentmethod",
            name="payment_method_created",
        ),
        migrations.RemoveIndex(
            model_name="paymentmethod",
            name="payment_method_last4",
        ),
        migrations.RemoveIndex(
            model_name="payout",
            name="payout_created",
        ),
        migrations.RemoveIndex(
            model_name="payout",
            name="payout_status",
        ),
        migrations.RemoveIndex(
            model_name="price",
            name="price_created",
        ),
        migrations.RemoveIndex(
            model_name="product",
            name="product_created",
        ),
        migrations.RemoveIndex(
            model_name="promotioncode",
            name="promotion_code_created",
        ),
        migrations.RemoveIndex(
            model_name="refund",
            name="refund_created",
        ),
        migrations.RemoveIndex(
            model_name="setupintent",
            name="setup_intent_created",
        ),
        migrations.RemoveIndex(
            model_name="setupintent",
            name="setup_intent_status",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscription_created",
        ),
        migrations.RemoveIndex(
            model_name="subscriptionitem",
            name="sub_item_created",
        ),
        migrations.RemoveIndex(
            model_name="subscriptionschedule",
            name="schedule_created",
        ),
        migrations.RemoveIndex(
            model_name="taxid",
            name="tax_id_created",
        ),
        migrations.RemoveIndex(
            model_name="taxrate",
            name="tax_rate_created",
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(fields=["created", "id", "deleted_at"], name="balance_tx_created"),
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="balance_tx_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="balance_tx_amount"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["created", "id", "deleted_at"], name="charge_created"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="charge_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["changed_at", "id"], name="charge_changed"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                fields=[
                    "status",
                    "created",
                    "id",
                    "captured",
                    "failure_code",
                    "refunded",
                    "amount_refunded",
                    "disputed",
                ],
                name="charge_status",
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["payment_method", "created", "id"], name="charge_payment_method"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["balance_transaction"], name="charge_balance_transaction"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="charge_amount"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["last4", "created", "id"], name="charge_last4"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("captured", False), ("failure_code__isnull", True)),
                fields=["created", "id"],
                name="charge_uncaptured",
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("disputed", True)), fields=["created", "id"], name="charge_is_disputed"
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("refunded", True)), fields=["created", "id", "disputed"], name="charge_is_refunded"
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("amount_refunded__gt", 0)),
                fields=["created", "id", "refunded", "disputed"],
                name="charge_refunded_in_part",
            ),
        ),
        migrations.AddIndex(
            model_name="checkoutsession",
            index=models.Index(fields=["created", "id", "deleted_at"], name="checkout_created"),
        ),
        migrations.AddIndex(
            model_name="checkoutsession",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="checkout_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="checkoutsession",
            index=models.Index(fields=["status", "created", "id", "payment_status"], name="checkout_status"),
        ),
        migrations.AddIndex(
            model_name="checkoutsession",
            index=models.Index(fields=["currency", "amount_total", "created", "id"], name="checkout_session_amount"),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(fields=["created", "id", "deleted_at"], name="coupon_created"),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="coupon_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="creditnote",
            index=models.Index(fields=["created", "id", "deleted_at"], name="credit_note_created"),
        ),
        migrations.AddIndex(
            model_name="creditnote",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="credit_note_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="creditnote",
            index=models.Index(fields=["currency", "total", "created", "id"], name="credit_note_amount"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["created", "id", "deleted_at"], name="customer_created"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="customer_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["default_payment_method"], name="customer_default_method"),
        ),
        migrations.AddIndex(
            model_name="customerbalancetransaction",
            index=models.Index(fields=["created", "id", "deleted_at"], name="customer_balance_created"),
        ),
        migrations.AddIndex(
            model_name="customerbalancetransaction",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["created", "id"],
                name="customer_balance_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="customerbalancetransaction",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="customer_balance_amount"),
        ),
        migrations.AddIndex(
            model_name="discount",
            index=models.Index(fields=["created", "id", "deleted_at"], name="discount_created"),
        ),
        migrations.AddIndex(
            model_name="discount",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="discount_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="discount",
            index=models.Index(fields=["changed_at", "id"], name="discount_changed"),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["created", "id", "deleted_at"], name="dispute_created"),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="dispute_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["changed_at", "id"], name="dispute_changed"),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["status", "created", "id", "due_by"], name="dispute_status"),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="dispute_amount"),
        ),
        migrations.AddIndex(
            model_name="inboxevent",
            index=models.Index(fields=["source", "created", "id"], name="inbox_source"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["created", "id", "deleted_at"], name="invoice_created"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="invoice_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["status", "created", "id", "due_date", "attempt_count"], name="invoice_status"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["currency", "total", "created", "id"], name="invoice_amount"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["paid_at", "id"], name="invoice_paid_at"),
        ),
        migrations.AddIndex(
            model_name="invoiceitem",
            index=models.Index(fields=["created", "id", "deleted_at"], name="invoice_item_created"),
        ),
        migrations.AddIndex(
            model_name="invoiceitem",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="invoice_item_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="invoiceitem",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="invoice_item_amount"),
        ),
        migrations.AddIndex(
            model_name="invoicelineitem",
            index=models.Index(fields=["period_start", "id", "deleted_at"], name="invoice_line_period"),
        ),
        migrations.AddIndex(
            model_name="invoicelineitem",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["period_start", "id"],
                name="invoice_line_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="invoicelineitem",
            index=models.Index(fields=["currency", "amount", "period_start", "id"], name="invoice_line_amount"),
        ),
        migrations.AddIndex(
            model_name="invoicepayment",
            index=models.Index(fields=["created", "id", "deleted_at"], name="invoice_payment_created"),
        ),
        migrations.AddIndex(
            model_name="invoicepayment",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["created", "id"],
                name="invoice_payment_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="invoicepayment",
            index=models.Index(fields=["currency", "amount_paid", "created", "id"], name="invoice_payment_amount"),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["created", "id", "deleted_at"], name="payment_intent_created"),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["created", "id"],
                name="payment_intent_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["status", "created", "id", "error_code"], name="payment_intent_status"),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["latest_charge"], name="payment_intent_charge"),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["payment_method"], name="payment_intent_method"),
        ),
        migrations.AddIndex(
            model_name="paymentintent",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="payment_intent_amount"),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(fields=["created", "id", "deleted_at"], name="payment_method_created"),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["created", "id"],
                name="payment_method_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(fields=["last4", "created", "id"], name="payment_method_last4"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["status", "created", "id", "reversed_by"], name="payout_status"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["created", "id", "deleted_at"], name="payout_created"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="payout_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="payout_amount"),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(fields=["created", "id", "deleted_at"], name="price_created"),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="price_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(fields=["currency", "unit_amount", "created", "id"], name="price_amount"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["created", "id", "deleted_at"], name="product_created"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="product_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="promotioncode",
            index=models.Index(fields=["created", "id", "deleted_at"], name="promotion_code_created"),
        ),
        migrations.AddIndex(
            model_name="promotioncode",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["created", "id"],
                name="promotion_code_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["created", "id", "deleted_at"], name="refund_created"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="refund_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["changed_at", "id"], name="refund_changed"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["balance_transaction"], name="refund_balance_transaction"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["currency", "amount", "created", "id"], name="refund_amount"),
        ),
        migrations.AddIndex(
            model_name="setupintent",
            index=models.Index(fields=["created", "id", "deleted_at"], name="setup_intent_created"),
        ),
        migrations.AddIndex(
            model_name="setupintent",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="setup_intent_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="setupintent",
            index=models.Index(fields=["status", "created", "id", "error_code"], name="setup_intent_status"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["created", "id", "deleted_at"], name="subscription_created"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="subscription_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["changed_at", "id"], name="subscription_changed"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(
                    models.Q(("cancel_at__isnull", False), ("cancel_at_period_end", True), _connector="OR"),
                    ("ended_at__isnull", True),
                ),
                fields=["created", "id", "status"],
                name="subscription_ending",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True), ("pause_behavior__isnull", False)),
                fields=["created", "id", "status"],
                name="subscription_uncollected",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["default_payment_method"], name="subscription_default_method"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["latest_invoice"], name="subscription_latest_invoice"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["trial_end", "id"], name="subscription_trial_end"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["ended_at", "id"], name="subscription_ended_at"),
        ),
        migrations.AddIndex(
            model_name="subscriptionitem",
            index=models.Index(fields=["created", "id", "deleted_at"], name="sub_item_created"),
        ),
        migrations.AddIndex(
            model_name="subscriptionitem",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="sub_item_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptionschedule",
            index=models.Index(fields=["created", "id", "deleted_at"], name="schedule_created"),
        ),
        migrations.AddIndex(
            model_name="subscriptionschedule",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="schedule_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="taxid",
            index=models.Index(fields=["created", "id", "deleted_at"], name="tax_id_created"),
        ),
        migrations.AddIndex(
            model_name="taxid",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="tax_id_deleted"
            ),
        ),
        migrations.AddIndex(
            model_name="taxrate",
            index=models.Index(fields=["created", "id", "deleted_at"], name="tax_rate_created"),
        ),
        migrations.AddIndex(
            model_name="taxrate",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["created", "id"], name="tax_rate_deleted"
            ),
        ),
        migrations.AddConstraint(
            model_name="moneyday",
            constraint=models.UniqueConstraint(fields=("currency", "day"), name="money_day_once"),
        ),
        migrations.AddConstraint(
            model_name="mrrday",
            constraint=models.UniqueConstraint(fields=("currency", "day"), name="mrr_day_once"),
        ),
        migrations.AddIndex(
            model_name="mrrmovement",
            index=models.Index(fields=["currency", "day", "id"], name="mrr_movement_day"),
        ),
        migrations.AddIndex(
            model_name="mrrmovement",
            index=models.Index(fields=["currency", "nature", "day", "id"], name="mrr_movement_nature"),
        ),
        migrations.AddConstraint(
            model_name="mrrmovement",
            constraint=models.UniqueConstraint(fields=("customer", "currency", "day"), name="mrr_movement_once"),
        ),
        migrations.AddField(
            model_name="note",
            name="author",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="stripe_notes",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="noterevision",
            name="note",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="revisions", to="stripe_mirror.note"
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="owner",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptionamount",
            index=models.Index(fields=["due_at"], name="sub_amount_due"),
        ),
        migrations.AddIndex(
            model_name="subscriptionamount",
            index=models.Index(fields=["currency", "status"], name="sub_amount_status"),
        ),
        migrations.AddIndex(
            model_name="subscriptionamount",
            index=models.Index(fields=["currency", "amount", "subscription"], name="sub_amount_amount"),
        ),
        migrations.AddIndex(
            model_name="subscriptionamount",
            index=models.Index(fields=["problem", "subscription"], name="sub_amount_problem"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["object_type", "object_id", "id"], name="note_object"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["customer_id", "id"], name="note_customer"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["object_type", "id"], name="note_type"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["author", "id"], name="note_author"),
        ),
        migrations.AddIndex(
            model_name="savedview",
            index=models.Index(fields=["object_type", "name", "id"], name="saved_view_kind"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("owner", "object_type", "name"), name="one_view_of_a_name"),
        ),
    ]
