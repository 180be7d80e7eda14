"""The check-up: what a follow-up visit does with a pump, step by step, and the page that it leaves behind."""
