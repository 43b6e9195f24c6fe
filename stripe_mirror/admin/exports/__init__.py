"""Rows of a list as a file: which columns (`columns`), how they are written (`options`), which rows (`selection`),
and the bytes themselves (`writing`). What is exported is what the list shows, for whoever may see and export it."""
