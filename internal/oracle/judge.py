"""Asks Python's standard library, and jsonschema for schemas, for their verdict: python3 judge.py COMMAND, with JSON on
standard input and on standard output."""

import ipaddress
import json
import sys
import urllib.parse


def urls(texts):
    """[URL] -> [null where it is refused, or {scheme, host, port, path, query}]"""
    return [split(text) for text in texts]


def split(text):
    try:
        u = urllib.parse.urlsplit(text)
        if u.username is not None or u.password is not None or u.fragment:
            return {"host": "userinfo or fragment"}
        return {"scheme": u.scheme, "host": u.hostname, "port": str(u.port or ""), "path": u.path, "query": u.query}
    except ValueError:
        return None


def addresses(texts):
    """[address] -> [whether it is global]; a mapped address is judged as what it maps"""
    judged = []
    for text in texts:
        a = ipaddress.ip_address(text)
        judged.append((getattr(a, "ipv4_mapped", None) or a).is_global)
    return judged


def schemas(question):
    """{schemas: {name: schema}, bodies: [{schema, body}]} -> [null or what is wrong], after jsonschema"""
    import jsonschema  # the other commands do without it

    validators = {}
    for name, schema in question["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[name] = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    verdicts = []
    for one in question["bodies"]:
        error = next(validators[one["schema"]].iter_errors(json.loads(one["body"])), None)
        verdicts.append(error and error.message)
    return verdicts


def roundtrip(bodies):
    """[body] -> [what a receiver that keeps it as a dict writes again, with other spaces and order]"""
    return [json.dumps(json.loads(body), indent=1, sort_keys=True) for body in bodies]


if __name__ == "__main__":
    commands = {"urls": urls, "addresses": addresses, "schemas": schemas, "roundtrip": roundtrip}
    answer = commands[sys.argv[1]](json.load(sys.stdin))
    json.dump(answer, sys.stdout)
