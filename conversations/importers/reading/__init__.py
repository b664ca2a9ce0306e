"""Files and what stands in them: opened, unpacked, told apart, read piece by piece."""
