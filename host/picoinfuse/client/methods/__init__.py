"""The pump's methods by subject: each file has the shapes of the replies, the table rows, and the Python methods."""
