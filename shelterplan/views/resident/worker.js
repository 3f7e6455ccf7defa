/* Keeps the page, so that it opens with no network; a new version of it replaces the old one. */
'use strict';
const PREFIX = `shelterplan ${SETTINGS.page} `, NAME = PREFIX + SETTINGS.version;
const address = name => new URL(name, self.location.href).href;

self.addEventListener('install', event => {
  const fresh = [SETTINGS.page, SETTINGS.manifest].map(name => new Request(address(name), { cache: 'reload' }));
  event.waitUntil(caches.open(NAME).then(kept => kept.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', event => {
  const old = names => names.filter(name => name.startsWith(PREFIX) && name !== NAME);
  event.waitUntil(caches.keys().then(names => Promise.all(old(names).map(name => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener('fetch', event => {
  const asked = event.request;
  if (asked.method !== 'GET') return;
  const bare = asked.url.split(/[?#]/)[0];
  const wanted = asked.mode === 'navigate' && bare !== address(SETTINGS.manifest) ? address(SETTINGS.page) : bare;
  const ours = [address(SETTINGS.page), address(SETTINGS.manifest)];
  if (!ours.includes(wanted) || asked.mode === 'navigate' && ![ours[0], address('./')].includes(bare)) return;
  event.respondWith(caches.open(NAME).then(kept => kept.match(wanted)).then(found => found || fetch(asked)));
});
