"""Pictures of a model's unrolled graph, written as SVG."""
