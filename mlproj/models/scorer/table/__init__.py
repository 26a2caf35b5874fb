"""Prediction of tables in portions: files of rows that are asked one portion after the other."""
