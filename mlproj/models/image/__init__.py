"""Images that serve a model: its environment, the server and its files, each in a layer of its own."""
