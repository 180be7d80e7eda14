"""What all packages share: errors, units, paths, TOML lines, versions. Imports no other package of ours."""
