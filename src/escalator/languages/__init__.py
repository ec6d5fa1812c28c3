"""Languages: their names, file endings and tags, their grammars, and where a text does not parse."""
