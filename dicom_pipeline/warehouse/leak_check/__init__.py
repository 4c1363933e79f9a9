"""Leak check: the last check before publication for identifiers of patients in their own rows.

It shares no code with the cleaning of texts (deid.cleaning), so that an error there cannot hide
itself.
"""
