"""JSON Schemas of what people write, for editors that complete and check YAML as it is typed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from sensorkit.config.document import Config
from sensorkit.errors import UsageError
from sensorkit.faults import FaultPlan
from sensorkit.nearest import unknown
from sensorkit.profile import Profile

MODELS: Mapping[str, tuple[type[BaseModel], str]] = {
    "config": (Config, "sensorkit.yaml"),
    "profile": (Profile, "A device profile of sensorkit"),
    "plan": (FaultPlan, "A fault plan of sensorkit"),
}
"""What a schema is of, and its title."""


def schema_of(what: str, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a file.

    Parameters
    ----------
    what : str
        config, profile or plan.
    defaults : mapping, optional
        Schema of `defaults`: the options of the commands are known further up.

    Raises
    ------
    UsageError
        If it is none of them.

    Examples
    --------
    >>> schema_of("config")["properties"]["preset"]["description"]
    'The preset that holds where none is asked for.'
    """
    if what not in MODELS:
        raise UsageError(unknown("schema", what, MODELS))
    model, title = MODELS[what]
    made = model.model_json_schema(mode="validation", schema_generator=_Schema)
    made = {"$schema": GenerateJsonSchema.schema_dialect, **made, "title": title}
    if defaults is not None:
        made["$defs"]["Defaults"] = dict(defaults)
        for holder in (made, made["$defs"]["Preset"]):
            own = holder["properties"]["defaults"]
            said = {"description": own["description"]} if "description" in own else {}
            holder["properties"]["defaults"] = said | {"$ref": "#/$defs/Defaults"}
    return made


class _Schema(GenerateJsonSchema):
    """With what the code says of each field, and without the titles that pydantic makes of names.

    An editor shows both beside the field, and a title that repeats its name would come first.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give no field a title."""
        del schema
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Add the text below each field, and keep the summary of the class alone."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        made.pop("title", None)
        if text := inspect.getdoc(model):
            made["description"] = _summary(text)
        said = {
            name: text for base in reversed(model.__mro__) for name, text in _fields(base).items()
        }
        for name, own in made.get("properties", {}).items():
            if name in said and "$ref" not in own:
                own.setdefault("description", said[name])
        return made


def _fields(model: type) -> dict[str, str]:
    """Return the text that stands below each field of a class, as in its source.

    >>> _fields(Config)["preset"]
    'The preset that holds where none is asked for.'
    """
    if not issubclass(model, BaseModel) or model is BaseModel:
        return {}
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    found: dict[str, str] = {}
    name = ""
    for line in getattr(body, "body", []):
        match line:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = _summary(inspect.cleandoc(text))
                name = ""
            case _:
                name = ""
    return found


def _summary(text: str) -> str:
    """Return the first paragraph on one line."""
    return " ".join(text.split("\n\n")[0].split())
