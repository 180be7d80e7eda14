"""The check-up of a pump in service, step by step, and the page that documents it."""
