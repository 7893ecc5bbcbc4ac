"""Models made of models: layers, directions, tasks, masks."""
