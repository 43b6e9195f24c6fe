"""Find anything: what somebody typed is read (`typed`), looked for (`finders`), and shown by one page and one dialog.

Everything that is asked of the database is limited and carried by an index (`models.search`), and each kind is asked
for only where the person may view it.
"""
