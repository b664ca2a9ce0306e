"""Single values of a foreign record: their types, their text, what is encoded in them."""
