"""The page that shows results live: static files, and the routes that serve them."""
