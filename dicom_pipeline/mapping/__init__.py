"""The seeds as Python objects: attribute mapping and its checks, identity attributes, defined terms."""
