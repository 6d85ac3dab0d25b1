// Prints how escapers of JavaScript, and templates that many servers use, spell the secrets.
"use strict";
const secrets = JSON.parse(require("fs").readFileSync("secrets.json", "utf8"));
const qs = require("querystring");
const util = require("util");
const hex = (c, width) => c.charCodeAt(0).toString(16).padStart(width, "0");
const odd = /[^0-9A-Za-z]/g;
const lower = (s) => s.replace(/%[0-9A-F]{2}/g, (m) => m.toLowerCase());
const escapers = {
  "JSON.stringify": JSON.stringify,
  "JSON.stringify twice": (s) => JSON.stringify(JSON.stringify(s)),
  "JSON.stringify three times in one": (s) => JSON.stringify({ message: JSON.stringify({ token: s }) }),
  "JSON with every mark as in .NET": (s) => JSON.stringify(s).replace(/[+'<>&`]/g, (c) => "\\u" + hex(c, 4).toUpperCase()),
  "JSON with every mark": (s) => '"' + s.replace(odd, (c) => "\\u" + hex(c, 4)) + '"',
  "JSON with every mark twice": (s) => JSON.stringify('"' + s.replace(odd, (c) => "\\u" + hex(c, 4)) + '"'),
  "JSON with every character": (s) => '"' + s.replace(/[^]/g, (c) => "\\u" + hex(c, 4)) + '"',
  "JSON with slashes escaped": (s) => JSON.stringify(s).replace(/\//g, "\\/"),
  "code points in braces": (s) => s.replace(odd, (c) => "\\u{" + hex(c, 1) + "}"),
  "hexadecimal": (s) => s.replace(odd, (c) => "\\x" + hex(c, 2)),
  "octal": (s) => s.replace(odd, (c) => "\\" + c.charCodeAt(0).toString(8).padStart(3, "0")),
  "encodeURIComponent": encodeURIComponent,
  "encodeURIComponent in lower case": (s) => lower(encodeURIComponent(s)),
  "encodeURIComponent twice": (s) => encodeURIComponent(encodeURIComponent(s)),
  "encodeURI": encodeURI,
  "escape": escape,
  "escape with %u": (s) => s.replace(odd, (c) => "%u" + hex(c, 4)),
  "URLSearchParams": (s) => new URLSearchParams({ token: s }).toString(),
  "querystring": (s) => qs.stringify({ token: s }),
  "URL": (s) => new URL("https://example.com/" + encodeURIComponent(s) + "?q=" + s).href,
  "util.inspect": (s) => util.inspect({ token: s }),
  "HTML by decimal numbers": (s) => s.replace(odd, (c) => "&#" + c.charCodeAt(0) + ";"),
  "HTML by hexadecimal numbers": (s) => s.replace(odd, (c) => "&#x" + hex(c, 2).toUpperCase() + ";"),
  "HTML by long numbers": (s) => s.replace(odd, (c) => "&#0000" + c.charCodeAt(0) + ";"),
  "HTML as in Handlebars": (s) => s.replace(/[&<>"'`=]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;" })[c]),
  "HTML as in Mustache": (s) => s.replace(/[&<>"'`=\/]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "/": "&#x2F;", "`": "&#x60;", "=": "&#x3D;" })[c]),
  "HTML by names": (s) => s.replace(/[+\/="'&<>%#?]/g, (c) => ({ "+": "&plus;", "/": "&sol;", "=": "&equals;", '"': "&quot;", "'": "&apos;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&percnt;", "#": "&num;", "?": "&quest;" })[c]),
  "HTML twice": (s) => s.replace(odd, (c) => "&amp;#" + c.charCodeAt(0) + ";"),
  "HTML in JSON": (s) => JSON.stringify(s.replace(odd, (c) => "&#x" + hex(c, 2) + ";")).replace(/&/g, "\\u0026"),
};
for (const [name, escape] of Object.entries(escapers))
  for (const s of secrets) console.log(JSON.stringify(["node " + name, s, escape(s)]));
