"""escalator gets coding work done by the cheapest model that can prove it did it."""
