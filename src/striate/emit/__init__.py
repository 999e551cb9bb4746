"""The same network in other tongues: figures, and source text of other frameworks; the standard library only."""
