"""De-identification in Python: identity terms, tokens, cleaning, pseudonyms."""
