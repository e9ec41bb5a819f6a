{% load static %}/* When a page cannot be fetched, the offline page answers in its place. Nothing else is kept. */

const SHELF = "soc-offline-1";
const OFFLINE = "{% url 'offline' %}";
const KEPT = [
  OFFLINE,
  "{% static 'css/tokens.css' %}",
  "{% static 'css/base.css' %}",
  "{% static 'img/icons.svg' %}",
  "{% static 'vendor/pretendard/pretendardvariable-dynamic-subset.css' %}",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELF).then((shelf) => shelf.addAll(KEPT)));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELF).map((name) => caches.delete(name))));
  event.waitUntil(old);
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const kept = KEPT.includes(new URL(request.url).pathname);
  if (request.mode !== "navigate" && !kept) return;
  event.respondWith(fetch(request).catch(() => caches.match(request.mode === "navigate" ? OFFLINE : request)));
});
