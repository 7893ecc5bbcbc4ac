"""Parameters as other frameworks keep them."""
