"""Structure of a header: a walk over its elements that shows whether it is whole."""
