"""What staff write down about an object, for each other: ours alone, never sent to Stripe."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    """A note about one mirrored object. Its author may change or delete it; what it said before is kept."""

    object_type = models.CharField(max_length=255)
    object_id = models.CharField(max_length=255)
    # Whom it is about in the end: the customer of the object when it was written; "" where none was known.
    customer_id = models.CharField(max_length=255, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="stripe_notes",
    )
    # The person's name when it was written.
    author_name = models.CharField(max_length=255, blank=True)
    # Empty once it is deleted.
    text = models.TextField(blank=True)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view", "add")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("object_type", "object_id", "id"), name="note_object"),
            models.Index(fields=("customer_id", "id"), name="note_customer"),
            # One for each filter of the list.
            models.Index(fields=("object_type", "id"), name="note_type"),
            models.Index(fields=("author", "id"), name="note_author"),
        )

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:60]}"


class NoteRevision(models.Model):
    """What a note said until it was changed or deleted: only ever added to."""

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="revisions")
    text = models.TextField()
    written_at = models.DateTimeField()
    replaced_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text[:60]
