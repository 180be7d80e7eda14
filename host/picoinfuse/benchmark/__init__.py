"""What `make bench` measures: speed, size, step timing, occlusion delays."""
