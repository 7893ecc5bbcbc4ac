"""The language of models: text to a parsed, typed and checked model."""
