"""Derivations in print: matrix notation, LaTeX, Markdown and text."""
