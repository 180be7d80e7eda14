"""What `picoinfuse bench` measures: `rows` is the registry, `document` writes the tables into docs/performance.md."""
