"""Helpers that know nothing of estimators or genes."""
