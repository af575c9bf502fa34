// Bundles editor.src.js into editor.js, with the versions and licences of what is inside in its head.
// Run by `cargo xtask editor` in a scratch folder that holds the npm packages.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";

const result = await build({
  entryPoints: ["editor.src.js"],
  outfile: "editor.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  write: false,
});
const inside = new Set();
for (const path of Object.keys(result.metafile.inputs)) {
  const name = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
  if (name) inside.add(name);
}
const lines = [...inside].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  return ` * ${name} ${version} (${license})`;
});
const notice = readFileSync("node_modules/@codemirror/view/LICENSE", "utf8").trim().split("\n");
const banner = [
  "/*!",
  " * Generated from editor.src.js by `cargo xtask editor`; do not edit. Contains:",
  ...lines,
  " *",
  ...notice.map((line) => ` * ${line}`.trimEnd()),
  " */\n",
];
writeFileSync("editor.js", banner.join("\n") + result.outputFiles[0].text);
