"""The page: its interface (`ui`) and its arithmetic (`compute`), and what Python tells them of a network."""
