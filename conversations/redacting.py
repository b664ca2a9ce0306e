class Redactor: pass
def redacted(c, r): return c
