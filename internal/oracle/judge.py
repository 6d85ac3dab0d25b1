"""Asks Python's standard library for its verdict: python3 judge.py COMMAND, with JSON on
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


if __name__ == "__main__":
    answer = {"urls": urls, "addresses": addresses}[sys.argv[1]](json.load(sys.stdin))
    json.dump(answer, sys.stdout)
