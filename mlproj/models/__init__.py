"""Models as MLflow writes them: found by their address, described, loaded, asked, and judged."""
