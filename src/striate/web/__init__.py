"""The page: its interface (`ui`), its arithmetic (`compute`), and the data of a network that Python gives them."""
