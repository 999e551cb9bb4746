"""How an account is shown: tables, CSV, Markdown, HTML and pictures."""
