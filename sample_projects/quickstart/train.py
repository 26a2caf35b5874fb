"""Fit a ridge regression and log how good it is. Nothing here knows of mlproj."""

import argparse
import json

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=0.5)
parser.add_argument("--test-size", type=float, default=0.25)
parser.add_argument("--seed", type=int, default=42)
arguments = parser.parse_args()

features, target = load_diabetes(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(features, target, test_size=arguments.test_size, random_state=arguments.seed)
predicted = Ridge(alpha=arguments.alpha).fit(x_train, y_train).predict(x_test)
scores = {"r2": r2_score(y_test, predicted), "mae": mean_absolute_error(y_test, predicted)}

with mlflow.start_run():
    mlflow.log_metrics(scores)

with open("scores.json", "w") as file:
    json.dump(scores, file, indent=2)
print(f"alpha={arguments.alpha:g}  r2={scores['r2']:.3f}  mae={scores['mae']:.1f}")
