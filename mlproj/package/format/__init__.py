"""A project in one file (``.mlproj``): its files at a revision, the lock of its environment, and what it needs where
there is no network.

The file is a zip archive whose members are stored as they are, in the order of their names, with one date: the same
content is the same bytes on every machine, and nothing in it can unpack to more than it is. ``mlproj.json`` comes first
and lists every other member with its SHA-256.
"""
