/// <reference lib="webworker" />
/** Keeps the site's files, so that the page also works without a network. */

export {};

interface Kept {
  readonly id: string;
  readonly files: readonly string[];
}

const worker = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "ssdgm:";

/** A cache of this site's alone: another site of the same server has another scope. */
const cacheName = (id: string): string => `${PREFIX}${worker.registration.scope}#${id}`;

async function install(): Promise<void> {
  const site = (await (await fetch("site.json", { cache: "no-cache" })).json()) as Kept;
  const cache = await caches.open(cacheName(site.id));
  await cache.addAll(["./", ...site.files]);
  const own = `${PREFIX}${worker.registration.scope}#`;
  for (const key of await caches.keys()) {
    if (key.startsWith(own) && key !== cacheName(site.id)) await caches.delete(key);
  }
}

/** From the network first, so that a new site shows; from the cache without one. */
async function answered(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

worker.addEventListener("install", (event) =>
  event.waitUntil(install().then(() => worker.skipWaiting())),
);
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const own = new URL(request.url).origin === worker.location.origin;
  if (request.method === "GET" && own) event.respondWith(answered(request));
});
