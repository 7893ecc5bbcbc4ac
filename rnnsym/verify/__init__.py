"""Verdicts on hand-derived claims and on hand-written backward passes."""
