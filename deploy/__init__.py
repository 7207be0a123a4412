"""What a deployment needs around the application."""
