"""MLflow's language for searching runs and experiments: text → tokens → comparisons → SQL with named parameters.

``lexer`` cuts a text up, ``grammar`` reads it with the words of a ``vocabulary``, ``sql`` says it to a database,
``page_token`` remembers where a page ended. What MLflow 3.17 accepts is accepted with the same meaning; in addition IN
takes every text attribute, and a quote within quotes is written twice. AND without a comparison after it, which MLflow
overlooks, is an error.
"""
