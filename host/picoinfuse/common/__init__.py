"""What every package may use: errors, units, paths, TOML lines, versions."""
