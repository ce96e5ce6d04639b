"""JSON Schema, loaded without what none of its users here needs.

jsonschema, where it finds the package rfc3987_syntax, builds a parser of all IRIs as it is
imported. That takes a second and more in every process, and is for schemas that check the format
`iri`: neither those of notebooks do nor ours. Import this module before nbformat or nbclient, which
import jsonschema.
"""

from __future__ import annotations

import sys

IRIS = "rfc3987_syntax"

_taken_away = IRIS not in sys.modules
if _taken_away:
    sys.modules[IRIS] = None  # type: ignore[assignment]  # to import it is an ImportError
try:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
finally:
    if _taken_away:
        del sys.modules[IRIS]

__all__ = ["Draft202012Validator", "best_match"]
