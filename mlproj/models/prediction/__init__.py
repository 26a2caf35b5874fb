"""Batch prediction: a file in, a file out, in portions, by a model in its own environment."""
