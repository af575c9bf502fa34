// Starts the page. A file of its own because the content security policy allows no inline script.
//
// Trunk writes its element with data-js and data-wasm, the names of this build (Trunk.toml,
// pattern_script); `cargo xtask dist` adds data-sw. What it promises to the Rust side:
//   <html data-root="/some/path/">   the path the page is served under, with both slashes
//   location                         a deep link that came through 404.html or sw.js is restored
//   #boot                            the greeting in index.html; removed once the page has mounted
const build = document.querySelector("script[data-wasm]").dataset;
const root = new URL(".", import.meta.url);
document.documentElement.dataset.root = root.pathname;

const deep = new URL(location.href).searchParams.get("to");
if (deep !== null) {
  const wanted = new URL(deep.replace(/^\/+/, ""), root);
  // Only ever to a page of ours.
  if (wanted.href.startsWith(root.href)) history.replaceState(null, "", wanted.href + location.hash);
}

try {
  const app = await import(new URL(build.js, root));
  const wasm = await app.default({ module_or_path: new URL(build.wasm, root) });
  document.getElementById("boot")?.remove();
  dispatchEvent(new CustomEvent("TrunkApplicationStarted", { detail: { wasm } }));
} catch (error) {
  document.getElementById("boot")?.setAttribute("data-state", "failed");
  throw error;
}

if (build.sw) navigator.serviceWorker?.register(new URL(build.sw, root)).catch(() => {
  // Private windows forbid it; the page works without.
});
