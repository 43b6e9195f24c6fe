"""What happened to an object and what belongs to it, newest first: money, changes, staff, Stripe and notes in one list.

`scope` says what belongs to an object, `money`, `changes`, `staff` and `notes` read it, `merge` makes one list of it.
Reads only, by indexes, and a bounded number of rows per query.
"""
