"""De-identification in Python: identity terms, tokens, pseudonyms."""
