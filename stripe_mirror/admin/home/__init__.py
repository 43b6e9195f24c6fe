"""The pages of home: figures with their charts, definitions and rows, and what needs attention.

Everything shown here was computed before (`figures`); nothing is computed while somebody waits.
"""
