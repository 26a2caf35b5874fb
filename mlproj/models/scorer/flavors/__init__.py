"""One file for each kind of model: ``load(model) -> Predictor``, with the answers of MLflow's loader of that name."""
