// Gives the tests a handle, and writes down what the editor reports.
import * as editor from "./editor.js";

const seen = { changes: [], applied: 0 };
const handle = editor.create(document.getElementById("here"), {
  doc: "kind: Pod\n",
  ariaLabel: "pod.yaml",
  onChange: (text) => seen.changes.push(text),
  onApply: () => { seen.applied += 1; },
  complete: (text, offset) => {
    const from = offset - text.slice(0, offset).match(/\w*$/)[0].length;
    return [
      { label: "spec", detail: "Object", info: "What is wanted.", apply: "spec:\n  ", from },
      { label: "status", detail: "Object", info: "What is.", apply: "", from },
    ];
  },
  hover: (text, offset) => (text.slice(offset).startsWith("kind") ? "What it is." : null),
});
Object.assign(window, { editor, handle, seen });
