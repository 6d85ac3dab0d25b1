"""Prints how escapers of Python's standard library spell the secrets."""
import html
import json
import urllib.parse
from xml.sax import saxutils

secrets = json.load(open("secrets.json", encoding="utf-8"))
lower = lambda s: "".join(c if c.isalnum() else "%%%02x" % ord(c) for c in s)
escapers = {
    "json.dumps": json.dumps,
    "json.dumps twice": lambda s: json.dumps(json.dumps(s)),
    "repr": repr,
    "repr twice": lambda s: repr(repr(s)),
    "ascii of a dict": lambda s: ascii({"token": s}),
    "bytes": lambda s: repr(s.encode()),
    "html.escape": html.escape,
    "html.escape twice": lambda s: html.escape(html.escape(s)),
    "html.escape without quotes": lambda s: html.escape(s, quote=False),
    "saxutils.escape": saxutils.escape,
    "saxutils.quoteattr": saxutils.quoteattr,
    "xmlcharrefreplace": lambda s: s.encode("ascii", "xmlcharrefreplace").decode(),
    "quote": urllib.parse.quote,
    "quote with nothing safe": lambda s: urllib.parse.quote(s, safe=""),
    "quote twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "quote in lower case": lower,
    "quote_plus": urllib.parse.quote_plus,
    "urlencode": lambda s: urllib.parse.urlencode({"token": s}),
    "unicode_escape": lambda s: s.encode("unicode_escape").decode(),
    "quote in json in html": lambda s: html.escape(json.dumps({"next": "/in?t=" + urllib.parse.quote_plus(s)})),
}
for name, escape in escapers.items():
    for s in secrets:
        print(json.dumps(["python " + name, s, escape(s)]))
