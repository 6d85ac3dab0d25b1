"use strict";
// Asks libraries by other authors for their verdict: node judge.js COMMAND, with JSON on
// standard input and on standard output.

const fs = require("fs");

/** Tells what an exception says, or null when nothing was thrown. */
function verdict(f) {
  try {
    f();
    return null;
  } catch (e) {
    return String((e && e.message) || e);
  }
}

/** Returns ajv as it comes, with every strict mode on: it knows no keyword of ours. */
function strictAjv() {
  const Ajv = require("ajv/dist/2020");
  const ajv = new Ajv({ strict: true, allErrors: true });
  require("ajv-formats")(ajv);
  return ajv;
}

const commands = {
  // [{method, url, base}] -> [{canonical, qsh}], after atlassian-jwt
  async qsh(requests) {
    const jwt = require("atlassian-jwt");
    return requests.map(({ method, url, base }) => {
      const r = jwt.fromMethodAndUrl(method, url);
      return {
        canonical: jwt.createCanonicalRequest(r, false, base),
        qsh: jwt.createQueryStringHash(r, false, base),
      };
    });
  },

  // [{token, secret}] -> [null or what is wrong], after atlassian-jwt
  async jwt(tokens) {
    const jwt = require("atlassian-jwt");
    return tokens.map(({ token, secret }) =>
      verdict(() => jwt.decodeSymmetric(token, secret, "HS256")),
    );
  },

  // {iss, iat, exp, qsh, ...} and a secret -> a token, after atlassian-jwt
  async mint({ claims, secret }) {
    return require("atlassian-jwt").encodeSymmetric(claims, secret, "HS256");
  },

  // [{secret, headers, body}] -> [null or what is wrong], after standardwebhooks
  async standard(requests) {
    const { Webhook } = require("standardwebhooks");
    return requests.map(({ secret, headers, body }) =>
      verdict(() => new Webhook(secret).verify(body, headers)),
    );
  },

  // [{secret, headers, body}] -> [null or what is wrong], after svix
  async svix(requests) {
    const { Webhook } = require("svix");
    return requests.map(({ secret, headers, body }) =>
      verdict(() => new Webhook(secret).verify(body, headers)),
    );
  },

  // [{secret, body, signature, at}] -> [{problem, signed}], after stripe: null or what is wrong,
  // and its own header for the body at that time
  async stripe(requests) {
    const { webhooks } = new (require("stripe"))("unused");
    return requests.map(({ secret, body, signature, at }) => ({
      problem: verdict(() => webhooks.signature.verifyHeader(body, signature, secret, 300)),
      signed: webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at }),
    }));
  },

  // [{secret, body, signature}] -> [bool], after @octokit/webhooks
  async octokit(requests) {
    const { Webhooks } = await import("@octokit/webhooks");
    return Promise.all(
      requests.map(({ secret, body, signature }) =>
        new Webhooks({ secret }).verify(body, signature).catch(() => false),
      ),
    );
  },

  // {set, message, signatures: [base64]} -> {thumbprints: [bool], verified: [[bool]]}, after jose:
  // whether each kid is the thumbprint of its key, and which signatures each key verifies that
  // is picked from the set by its kid
  async jwks({ set, message, signatures }) {
    const { calculateJwkThumbprint, createLocalJWKSet } = await import("jose");
    const pick = createLocalJWKSet(set);
    const bytes = (text) => Buffer.from(text, "base64");
    const thumbprints = [];
    const verified = [];
    for (const jwk of set.keys) {
      thumbprints.push((await calculateJwkThumbprint(jwk)) === jwk.kid);
      const key = await pick({ alg: "EdDSA", kid: jwk.kid });
      verified.push(
        await Promise.all(
          signatures.map((s) => crypto.subtle.verify("Ed25519", key, bytes(s), Buffer.from(message))),
        ),
      );
    }
    return { thumbprints, verified };
  },

  // [{secret, body, signature}] -> [{valid, signed}], after the library for GitHub's webhooks:
  // whether it accepts the signature, and its own
  async hub(requests) {
    const { sign, verify } = await import("@octokit/webhooks-methods");
    return Promise.all(
      requests.map(async ({ secret, body, signature }) => ({
        valid: await verify(secret, body, signature).catch(() => false),
        signed: await sign(secret, body),
      })),
    );
  },

  // [URL] -> [null where it is refused, or {scheme, host, port, path, query}], after the URL
  // Standard of the WHATWG as node has it
  async urls(urls) {
    return urls.map((text) => {
      try {
        const u = new URL(text);
        if (u.username || u.password || u.hash) return { host: "userinfo or fragment" };
        return { scheme: u.protocol, host: u.hostname, port: u.port, path: u.pathname, query: u.search };
      } catch {
        return null;
      }
    });
  },

  // [host] -> those that a URL Standard's parser refuses or changes
  async hosts(hosts) {
    return hosts.filter((host) => {
      try {
        return new URL("https://" + host + "/").hostname !== host;
      } catch {
        return true;
      }
    });
  },

  // [address] -> [name of its range], after ipaddr.js; a mapped address is judged as what it
  // maps
  async addresses(addresses) {
    const ipaddr = require("ipaddr.js");
    return addresses.map((a) => ipaddr.process(a).range());
  },

  // {schemas: {name: schema}, bodies: [{schema, body}]} -> [null or what is wrong], after ajv
  async ajv({ schemas, bodies }) {
    const ajv = strictAjv();
    const compiled = {};
    for (const [name, schema] of Object.entries(schemas)) {
      compiled[name] = ajv.compile(schema);
    }
    return bodies.map(({ schema, body }) => {
      const ok = compiled[schema](JSON.parse(body));
      return ok ? null : ajv.errorsText(compiled[schema].errors);
    });
  },

  // [schema] -> [null or why ajv refuses to compile it]
  async compile(schemas) {
    return schemas.map((schema) => verdict(() => strictAjv().compile(schema)));
  },

  // {filters: [text], issues: [{field: [value]}]} -> [{accepted, matches: [bool]}], after jql-ast
  async jql({ filters, issues }) {
    const { JastBuilder } = require("@atlassianlabs/jql-ast");
    const { inSubset, matches } = require("./jql.js");
    return filters.map((filter) => {
      const { query, errors } = new JastBuilder().build(filter);
      if (errors.length > 0) return { accepted: false, matches: null };
      if (!inSubset(query)) return { accepted: false, matches: null };
      return { accepted: true, matches: issues.map((issue) => matches(query, issue)) };
    });
  },

  // [document] -> [null or why it is no OpenAPI document], after a validator that holds it to the
  // schema that the OpenAPI Initiative publishes for its version
  async openapiSchema(documents) {
    const { Validator } = await import("@seriousme/openapi-schema-validator");
    return Promise.all(
      documents.map(async (document) => {
        const validator = new Validator();
        const { valid, errors } = await validator.validate(JSON.parse(document));
        if (valid && validator.version !== "3.1") return `judged as version ${validator.version}`;
        return valid ? null : JSON.stringify(errors);
      }),
    );
  },

  // {document, off: [rule]} -> [{severity, rule, message, at}], after the linter of Redocly
  async openapi({ document, off }) {
    const { createConfig, lintFromString } = await import("@redocly/openapi-core");
    const rules = Object.fromEntries(off.map((rule) => [rule, "off"]));
    const config = await createConfig({ extends: ["recommended-strict"], rules });
    const problems = await lintFromString({ source: document, absoluteRef: "openapi.json", config });
    return problems.map((p) => ({
      severity: p.severity,
      rule: p.ruleId,
      message: p.message,
      at: p.location.map((l) => l.pointer).join(" "),
    }));
  },
};

async function main() {
  const command = commands[process.argv[2]];
  if (!command) throw new Error("no such command");
  const answer = await command(JSON.parse(fs.readFileSync(0, "utf8")));
  process.stdout.write(JSON.stringify(answer));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
