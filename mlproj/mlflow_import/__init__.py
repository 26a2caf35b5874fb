"""Runs that MLflow recorded, brought into our store: a program's own, a folder's, a database's, a server's."""
