// Starts the page. A file of its own because the content security policy allows no inline script.
//
// Trunk writes its element with data-js and data-wasm, the names of this build (Trunk.toml,
// pattern_script); `cargo xtask dist` adds data-sw. #boot is the greeting in index.html:
// it goes when the page has mounted, and says so when it cannot.
const build = document.querySelector("script[data-wasm]").dataset;
const root = new URL(".", import.meta.url);

try {
  const app = await import(new URL(build.js, root));
  const wasm = await app.default({ module_or_path: new URL(build.wasm, root) });
  document.getElementById("boot")?.remove();
  dispatchEvent(new CustomEvent("TrunkApplicationStarted", { detail: { wasm } }));
  // What `kubectl explain` and the editor say about fields. Without it they say less, and nothing else is amiss.
  const text = (name) => fetch(new URL(name, root)).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer)));
  Promise.all([text("v1_36.texts.txt"), text("v1_36.more.txt")]).then((texts) => app.describe(...texts)).catch(() => {});
} catch (error) {
  document.getElementById("boot")?.setAttribute("data-state", "failed");
  throw error;
}

if (build.sw) navigator.serviceWorker?.register(new URL(build.sw, root)).catch(() => {
  // Private windows forbid it; the page works without.
});
