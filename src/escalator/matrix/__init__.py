"""The escalation matrix: one YAML file per team, validated, overlaid and looked up."""

from escalator.matrix.lookup import find_matrix, user_matrix_path
from escalator.matrix.matrix import Matrix, load_matrix
from escalator.matrix.reading import packaged_path

__all__ = ["Matrix", "find_matrix", "json_schema", "load_matrix", "packaged_path", "user_matrix_path"]


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the matrix file, for editors."""
    from pydantic import TypeAdapter

    from escalator.matrix.schema import MatrixFile

    schema = TypeAdapter(MatrixFile).json_schema()
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "escalator matrix"}
