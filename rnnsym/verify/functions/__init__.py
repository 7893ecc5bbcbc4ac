"""Backward passes that a person wrote: run, compared, and their faults named."""
