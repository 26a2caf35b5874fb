"""A model of no library, as a user's program has one in a module of its own."""

MODULE = """
import json
import os

def rows(data):  # MLflow makes a DataFrame of a list before it asks
    return data.iloc[:, 0].tolist() if hasattr(data, "iloc") else data

class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def save(self, folder):
        with open(os.path.join(folder, "factor.json"), "w") as file:
            json.dump(self.factor, file)

    @classmethod
    def load(cls, folder):
        with open(os.path.join(folder, "factor.json")) as file:
            return cls(json.load(file))

    def predict(self, data, params=None):
        return [value * self.factor + (params or {}).get("plus", 0) for value in rows(data)]

class Plain:
    factor = 2

    def predict(self, data):
        return [value * self.factor for value in rows(data)]
"""
