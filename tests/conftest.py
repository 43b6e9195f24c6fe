"""Fixtures that every step's tests share."""
