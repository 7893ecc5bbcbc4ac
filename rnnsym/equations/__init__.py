"""Equations in index notation."""
