"""The syntax validator: every changed file is read by its language's own parser or grammar."""
