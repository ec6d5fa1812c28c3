"""What the providers that speak through an SDK share."""
