// Starts the page. A file of its own because the content security policy allows no inline script.
//
// Trunk calls it as boot.js?js=app-HASH.js&wasm=app-HASH_bg.wasm (Trunk.toml, pattern_script);
// `cargo xtask dist` adds sw=sw.js. What it promises to the Rust side:
//   <html data-root="/some/path/">   the path the page is served under, with both slashes
//   location                         a deep link that came through 404.html or sw.js is restored
//   #boot                            the greeting in index.html; removed once the page has mounted
const asked = new URL(import.meta.url).searchParams;
const root = new URL(".", import.meta.url);
document.documentElement.dataset.root = root.pathname;

const deep = new URL(location.href).searchParams.get("to");
if (deep !== null) {
  const wanted = new URL(deep.replace(/^\/+/, ""), root);
  // Only ever to a page of ours.
  if (wanted.href.startsWith(root.href)) history.replaceState(null, "", wanted.href + location.hash);
}

try {
  const app = await import(new URL(asked.get("js"), root));
  const wasm = await app.default({ module_or_path: new URL(asked.get("wasm"), root) });
  document.getElementById("boot")?.remove();
  dispatchEvent(new CustomEvent("TrunkApplicationStarted", { detail: { wasm } }));
} catch (error) {
  document.getElementById("boot")?.setAttribute("data-state", "failed");
  throw error;
}

if (asked.has("sw")) navigator.serviceWorker?.register(new URL(asked.get("sw"), root)).catch(() => {
  // Private windows forbid it; the page works without.
});
