"""Runs and models in SQL tables: SQLite and PostgreSQL."""
