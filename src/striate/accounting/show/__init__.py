"""Text and pictures of an account: tables, CSV, Markdown, HTML and SVG."""
