"""Models judged: measured against known answers by scikit-learn, compared, and held to requirements."""
