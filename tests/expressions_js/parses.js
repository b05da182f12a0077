// Says for each line of a JSON array of expressions whether acorn reads it as ES5, as a JSON array of booleans.
'use strict';
const fs = require('fs');
const acorn = require('acorn');

const read = (source) => {
  try {
    const body = acorn.parse('(' + source + ')', { ecmaVersion: 5 }).body;
    return body.length === 1 && body[0].type === 'ExpressionStatement';
  } catch (e) {
    return false;
  }
};
process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(process.argv[2], 'utf8')).map(read)));
