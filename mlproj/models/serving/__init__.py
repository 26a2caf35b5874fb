"""A model behind HTTP: the web stack here, the model in its own environment, requests put together on the way."""
