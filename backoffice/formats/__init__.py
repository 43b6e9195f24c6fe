"""How dates read, by language, in one style on all pages; what isn't here is Django's own (FORMAT_MODULE_PATH)."""
