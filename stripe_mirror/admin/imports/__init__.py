"""Files that change many objects: read (`reading`), matched, compared and confirmed on pages (`views`)."""
