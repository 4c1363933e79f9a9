"""Removing patients and studies from every zone."""
