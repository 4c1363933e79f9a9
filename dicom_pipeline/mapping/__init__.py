"""The seeds as Python objects: attribute mapping, identity attributes, defined terms."""
