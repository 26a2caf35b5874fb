"""Writing models in MLflow's format without MLflow, so that MLflow from 1.30 on loads them; in programs, by name from
``mlproj``."""
