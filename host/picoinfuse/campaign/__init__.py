"""Faults tried in every state, and random days played against invariants: how the pump is shown to be safe when
something is wrong.
"""
