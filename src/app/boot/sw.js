// Keeps the page usable offline after its first load. `cargo xtask dist` fills in the build and its files.
//
// One cache per build, filled whole before it is used: a visitor never gets a mixture of two
// builds. A new build is fetched behind the scenes and shown at the next load.
const BUILD = "pilothouse-__BUILD__";
const FILES = ["__FILES__"];
const root = new URL("./", self.location);

self.addEventListener("install", (event) => {
  const fresh = FILES.map((name) => new Request(new URL(name, root), { cache: "reload" }));
  event.waitUntil(caches.open(BUILD).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  // Other pages of the same host have caches too: only ours are swept.
  const stale = (name) => name.startsWith("pilothouse-") && name !== BUILD;
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter(stale).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(root.href)) return;
  event.respondWith(answer(request, url));
});

async function answer(request, url) {
  const cache = await caches.open(BUILD);
  const inside = url.pathname.slice(root.pathname.length);
  if (request.mode === "navigate" && !FILES.includes(inside)) {
    if (inside === "") return (await cache.match(new URL("index.html", root))) ?? fetch(request);
    // Routes live in the fragment; a path of this shape was typed or guessed, and is led there.
    return Response.redirect(`${root.href}#/${inside}`);
  }
  return (await cache.match(request)) ?? fetch(request);
}
