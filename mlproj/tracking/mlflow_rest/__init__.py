"""A stock MLflow server as a store of runs and models, over its REST API."""
