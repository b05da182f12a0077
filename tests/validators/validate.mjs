// Reads {name: definition} from standard input and prints {name: [message]} of asl-validator and of the Amazon States
// Language service, AWS's own editor server: one Node process for all definitions.
import { readFileSync } from "node:fs";
import validator from "asl-validator";
import service from "amazon-states-language-service";

const { getLanguageService, TextDocument } = service;

function askValidator(definition) {
  // checkPaths is about JSONPath; the copy because asl-validator writes QueryLanguage into what it is given
  const { isValid, errors } = validator(structuredClone(definition), { checkPaths: false, checkArn: true });
  return isValid ? [] : errors.map((error) => `asl-validator: ${error.message ?? JSON.stringify(error)} ${error.path ?? ""}`.trim());
}

async function askLanguageService(definition) {
  const document = TextDocument.create("file:///machine.asl.json", "json", 1, JSON.stringify(definition, null, 2));
  const server = getLanguageService({});
  const found = await server.doValidation(document, server.parseJSONDocument(document));
  return found.map(({ message, range }) => `states language service: line ${range.start.line + 1}: ${message}`);
}

const answers = {};
for (const [name, definition] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  answers[name] = [...askValidator(definition), ...(await askLanguageService(definition))];
}
process.stdout.write(JSON.stringify(answers));
