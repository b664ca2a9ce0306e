"""How messages belong together: links, trees, turns one after the other, traces."""
