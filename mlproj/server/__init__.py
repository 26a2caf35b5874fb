"""The HTTP side of tracking: MLflow's REST API over a store, for a team or for one run."""
