"""``mlproj models``: a file per command."""
