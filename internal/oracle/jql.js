"use strict";
// What a filter means, read off the syntax tree of jql-ast. It shares nothing with the
// package that it judges but the rules in its documentation.

/** The tree's own field, operators and operands are told by what they have. */
const ofList = (operand) => operand.operandType === "list";

/** Reports whether a tree has only what the filters of webhooks may have. */
function inSubset(query) {
  return !query.orderBy && (!query.where || clauseInSubset(query.where));
}

function clauseInSubset(clause) {
  switch (clause.clauseType) {
    case "compound":
      return clause.clauses.every(clauseInSubset);
    case "not":
      return clauseInSubset(clause.clause);
    case "terminal":
      return (
        ["=", "!=", "in", "not in"].includes(clause.operator.value) &&
        !(clause.predicates && clause.predicates.length > 0) &&
        operandInSubset(clause.operand)
      );
  }
  throw new Error("clause of type " + clause.clauseType);
}

function operandInSubset(operand) {
  if (ofList(operand)) return operand.values.every(operandInSubset);
  return operand.operandType === "value";
}

/** Undoes quotes and escapes. The tree's own value leaves some of them standing. */
function decode(text) {
  const quoted = text[0] === '"' || text[0] === "'";
  return (quoted ? text.slice(1, -1) : text).replace(
    /\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g,
    (_, hex, char) => {
      if (hex) return String.fromCharCode(parseInt(hex, 16));
      return { n: "\n", r: "\r", t: "\t" }[char] || char;
    },
  );
}

/** Names a field as issues do: in small letters, with what stands in brackets. */
function fieldName(field) {
  const custom = /^cf\s*\[\s*(\d+)\s*\]$/i.exec(field.text);
  if (custom) return "cf[" + BigInt(custom[1]) + "]";
  let name = decode(field.text).toLowerCase();
  for (const property of field.properties || []) {
    name += "[" + decode(property.key.text) + "]";
    name += property.path.map((step) => decode(step.text)).join("");
  }
  return name;
}

function values(operand) {
  return ofList(operand) ? operand.values.flatMap(values) : [decode(operand.text).toLowerCase()];
}

/**
 * Tells whether an issue matches. A field that is absent matches neither a clause nor its
 * opposite, so there are three answers inside: yes, no, and null for neither.
 */
function evaluate(clause, issue) {
  switch (clause.clauseType) {
    case "not": {
      const inner = evaluate(clause.clause, issue);
      return inner === null ? null : !inner;
    }
    case "compound": {
      const kids = clause.clauses.map((kid) => evaluate(kid, issue));
      const decisive = clause.operator.value === "or";
      if (kids.includes(decisive)) return decisive;
      return kids.includes(null) ? null : !decisive;
    }
  }
  const have = (issue[fieldName(clause.field)] || []).map((value) => value.toLowerCase());
  if (have.length === 0) return null;
  const wanted = values(clause.operand);
  const found = have.some((value) => wanted.includes(value));
  return ["!=", "not in"].includes(clause.operator.value) ? !found : found;
}

function matches(query, issue) {
  return !query.where || evaluate(query.where, issue) === true;
}

module.exports = { inSubset, matches };
