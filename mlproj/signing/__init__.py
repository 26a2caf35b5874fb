"""Signed statements of what a run was made from and made, and whether that is still so.

A statement is an in-toto Statement v1 (https://in-toto.io/Statement/v1) with SLSA provenance v1
(https://slsa.dev/provenance/v1), in a DSSE envelope (https://github.com/secure-systems-lab/dsse) signed with Ed25519
keys.
"""
