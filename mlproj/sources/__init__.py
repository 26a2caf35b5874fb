"""Where projects come from. ``sources.open`` finds the kind; the kinds know the rest."""
