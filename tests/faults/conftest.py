"""What the tests of faults share: the small repository whose evidence ``dvc repro`` made."""

from tests.pipelines.conftest import made, pipeline  # noqa: F401
