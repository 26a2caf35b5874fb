"""What runs in a model's own environment: standard library only, any Python from 3.7 on, imports of its own alone.

It is loaded from its folder under the name ``mlproj_scorer``, so that nothing else of mlproj is needed there.
"""

# MLflow's loaders for which there is a file of the same name below ``flavors`` that needs no MLflow.
NATIVE_LOADERS = {
    "mlflow.sklearn",
    "mlflow.xgboost",
    "mlflow.lightgbm",
    "mlflow.catboost",
    "mlflow.statsmodels",
    "mlflow.onnx",
    "mlflow.pytorch",
    "mlflow.keras",
    "mlflow.tensorflow",
    "mlflow.sentence_transformers",
}
