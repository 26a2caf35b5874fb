"""Fit y = a x by gradient descent from a random start. The seed is forgotten: mlproj reproduce --times 3 finds it."""

import os
import random
import sys

EPOCHS = int(sys.argv[1])
DATA = [(x, 3 * x) for x in range(1, 6)]

a = random.gauss(0, 1)
with open(os.environ["MLPROJ_METRICS"], "a") as metrics:
    for epoch in range(EPOCHS):
        loss = sum((a * x - y) ** 2 for x, y in DATA) / len(DATA)
        a -= 0.01 * sum(2 * x * (a * x - y) for x, y in DATA) / len(DATA)
        metrics.write(f"loss={loss} step={epoch}\n")
        print(f"epoch {epoch}: a = {a:.4f}, loss = {loss:.4f}")
