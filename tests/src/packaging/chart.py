# Renders a chart with Helm's own engine and holds what comes out against the schemas of Kubernetes. Reads a question as
# JSON, writes the answer as JSON; what either means is in chart.rs.
import copy
import functools
import json
import pathlib
import sys

import helm_python as helm
import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def merged(values, over):
    """As `helm --values a --values b` puts them together: null takes a key away."""
    result = copy.deepcopy(values)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


@functools.cache
def definitions(version):
    """What the schemas of one version refer to. Read once: a version is megabytes, and the package reads it for each object."""
    folder = SCHEMAS / f"v{version}.0-local-strict"
    text = json.loads((folder / "_definitions.json").read_text())
    return folder, Registry().with_resource(text["$id"], Resource.from_contents(text)).crawl()


def problems(thing, versions):
    found = []
    # rbac.authorization.k8s.io/v1 is rbac-v1 in the name of a file, and v1 is v1.
    group, _, version = thing["apiVersion"].rpartition("/")
    name = "-".join(part for part in (thing["kind"].lower(), group.split(".")[0], version) if part)
    for kubernetes in versions:
        folder, registry = definitions(kubernetes)
        file = folder / f"{name}.json"
        if not file.is_file():
            found.append(f"{kubernetes}: no schema for {thing['apiVersion']} {thing['kind']}")
            continue
        schema = json.loads(file.read_text())
        for error in Draft202012Validator(schema, registry=registry).iter_errors(thing):
            found.append(f"{kubernetes}: {'.'.join(map(str, error.path))}: {error.message}")
    return found


def render(question, chart, case):
    with open(f"{question['chart']}/ci/{case['values']}") as file:
        values = merged(yaml.safe_load(file), case["over"])
    lint = helm.lint(question["chart"], values, strict=True)
    answer = {"error": None, "objects": [], "notes": "", "lint": lint["messages"]}
    try:
        rendered = chart.render(values, name="keel", namespace="watch")
    except helm.HelmError as error:
        answer["error"] = str(error)
        return answer
    for path, text in sorted(rendered.items()):
        if path.endswith("NOTES.txt"):
            answer["notes"] = text
            continue
        for thing in yaml.safe_load_all(text):
            if thing:
                found = problems(thing, question["kubernetes"])
                answer["objects"].append({"path": path, "object": thing, "problems": found})
    return answer


def main():
    question = json.load(sys.stdin)
    with helm.Chart.load(question["chart"]) as chart:
        answer = {
            "helm": helm.helm_sdk_version(),
            "defaults": chart.values,
            "metadata": chart.metadata,
            "cases": [render(question, chart, case) for case in question["cases"]],
        }
    json.dump(answer, sys.stdout, default=str)


main()
