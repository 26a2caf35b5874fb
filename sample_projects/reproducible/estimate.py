"""Estimate pi from the part of random points that lie in a quarter of a circle; the estimate on the way goes to estimates.csv."""

import os
import random
import sys

POINTS, SEED = map(int, sys.argv[1:])
EVERY = 500

generator = random.Random(SEED)
inside = 0
with open("estimates.csv", "w") as table, open(os.environ["MLPROJ_METRICS"], "a") as metrics:
    table.write("points,estimate\n")
    for point in range(1, POINTS + 1):
        inside += generator.random() ** 2 + generator.random() ** 2 <= 1
        if point % EVERY == 0 or point == POINTS:
            table.write(f"{point},{4 * inside / point}\n")
            metrics.write(f"pi={4 * inside / point} step={point}\n")
