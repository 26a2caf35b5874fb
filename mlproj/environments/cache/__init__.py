"""Built environments in the cache: made whole or not at all, listed, removed."""
