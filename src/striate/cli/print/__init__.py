"""How verbs print: tables, lines and progress."""
