"""The same network in other tongues: source text of frameworks, and figures."""
