// The oracle of the expression tests. Reads cases (one JSON a line, from a file) and writes one JSON line for each:
// {"js": what a template gives in JavaScript, "jsonata": what the translation gives in JSONata}.
// A result is {"value": text} or {"error": message}; nothing at all is {"error": "nothing"}.
// A case is {"text", "params", "code", "guards", "bindings"}; usage: TZ=zone NOW=ms node oracle.js cases.jsonl
'use strict';
const fs = require('fs');
const vm = require('vm');
const path = require('path');
const jsonata = require('jsonata');

const NOW = Number(process.env.NOW);

// Digdag's template(): texts and scripts alternate; a script's value is printed by __text.
function parts(text) {
  const found = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    if (/^\$\{(?![a-z]+:)/.test(rest) && rest.length > 2) {
      let depth = 0;
      let end = 2;
      for (; end < rest.length; end++) {
        if (rest[end] === '{') depth++;
        if (rest[end] === '}' && depth-- === 0) break;
      }
      if (end === rest.length) { plain += rest; break; }
      found.push({ plain });
      plain = '';
      if (end > 2) found.push({ script: rest.slice(2, end) });
      at += end + 1;
    } else {
      plain += rest[0];
      at++;
    }
  }
  found.push({ plain });
  return found;
}

const sandbox = vm.createContext({});
vm.runInContext(
  'var RealDate = Date; Date = (function (D) { function F() { if (!(this instanceof F)) return new D(' + NOW + ').toString();' +
  ' var a = [].slice.call(arguments); return a.length ? new (Function.prototype.bind.apply(D, [null].concat(a)))() : new D(' + NOW + '); }' +
  ' F.now = function () { return ' + NOW + '; }; F.UTC = D.UTC; F.parse = D.parse; F.prototype = D.prototype; return F; })(Date);' +
  // ES5's Object.keys takes objects alone
  'Object.keys = (function (keys) { return function (x) { if (x === null || typeof x !== "object" && typeof x !== "function")' +
  ' throw new TypeError("Object.keys called on non-object"); return keys(x); }; })(Object.keys);' +
  // Java's methods of texts, as far as the tests use them
  'String.prototype.contains = function (x) { return this.indexOf(x) >= 0; };' +
  'String.prototype.isEmpty = function () { return this.length === 0; };' +
  'String.prototype.equals = function (x) { return String(this) === x; };' +
  'String.prototype.equalsIgnoreCase = function (x) { return this.toLowerCase() === String(x).toLowerCase(); };' +
  'String.prototype.replaceAll = function (a, b) { return this.replace(new RegExp(a instanceof RegExp ? a.source : a, "g"), b); };', sandbox);
vm.runInContext('var self = this;' + fs.readFileSync(path.join(path.dirname(require.resolve('moment')), 'min', 'moment.min.js'), 'utf8'), sandbox);
vm.runInContext('moment.suppressDeprecationWarnings = true;' +
  'var __text = function (t) { return t == null ? "" : typeof t == "string" ? t : String(JSON.stringify(t)); };' +
  'var __run = function (source, params) { return new Function("with(this){" + source + "}").call(JSON.parse(params)); };', sandbox);

function render(text, params) {
  const source = parts(text).map((p) => ('script' in p ? '__text((' + p.script + '))' : JSON.stringify(p.plain.replace(/\$\$/g, '$'))));
  return vm.runInContext('__run', sandbox)('return [' + source.join(',') + '].join("");', JSON.stringify(params));
}

const compiled = new Map();
async function evaluate(code, bindings) {
  if (!compiled.has(code)) {
    const made = jsonata(code);
    made.registerFunction('parse', (text) => JSON.parse(text));
    made.registerFunction('millis', () => NOW);
    compiled.set(code, made);
  }
  return compiled.get(code).evaluate(undefined, bindings);
}

async function translated(c) {
  for (const [guard, message] of c.guards || []) {
    const holds = await evaluate(guard, c.bindings);
    if (typeof holds !== 'boolean') throw new Error('a guard gave ' + JSON.stringify(holds));
    if (!holds) throw new Error(message);
  }
  const value = await evaluate(c.code, c.bindings);
  if (value === undefined) throw new Error('nothing');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

(async () => {
  for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
    const c = JSON.parse(line);
    const out = {};
    try { out.js = { value: render(c.text, c.params) }; } catch (e) { out.js = { error: String(e.name + ': ' + e.message).slice(0, 200) }; }
    if (c.code) {
      try { out.jsonata = { value: await translated(c) }; } catch (e) { out.jsonata = { error: ((e.code || '') + ' ' + e.message).slice(0, 200) }; }
    }
    process.stdout.write(JSON.stringify(out) + '\n');
  }
})();
