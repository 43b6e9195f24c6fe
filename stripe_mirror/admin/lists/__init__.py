"""What makes a list one's own: chosen columns, ranges and relations to filter by, saved views, counts and sums.

`admin/changelist.py` puts it together; nothing here writes to a mirrored row.
"""
