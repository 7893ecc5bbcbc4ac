"""Equations that a person derived: judged, refuted, and put right."""
