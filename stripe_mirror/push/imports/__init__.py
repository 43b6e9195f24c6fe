"""A file → edits: whose columns they are (`columns`), how a cell reads (`cells`), what each row would change
(`judging`), where it is kept meanwhile (`staging`) and how it becomes a job of pushes (`starting`).

Nothing here writes to Stripe, and nothing to a mirrored row. Reading files is the admin's, as writing them is.
"""
