"""Notes of staff about objects: writing and changing them, showing them on pages, and the list of all."""
