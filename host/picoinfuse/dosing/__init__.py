"""Doses: amounts, rates and weights as a person writes them."""
