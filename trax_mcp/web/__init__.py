"""What a person opens in a browser: the page that asks for their yes."""
