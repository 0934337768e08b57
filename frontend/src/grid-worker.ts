// Service worker of the grid worker's desk (scope /desk/grid/): without a connection it shows the empty
// page that the browser keeps, never a page with somebody's data; and it sends what waits.
import { sendAll } from "./grid-queue";

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Lasting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  addEventListener(name: "fetch", on: (event: Asked) => void): void;
  addEventListener(name: "install" | "activate" | "sync", on: (event: Lasting) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}
const scope = self as unknown as Scope;
const SHELL = "/desk/grid/shell";

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

const instead = async (request: Request, address: string): Promise<Response> => {
  try {
    return await fetch(request);
  } catch (problem) {
    const kept = await caches.match(address, { ignoreVary: true });
    if (!kept) throw problem;
    return kept;
  }
};

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(instead(request, SHELL));
  else if (pathname.startsWith("/static/") || pathname === "/map/city.geojson")
    event.respondWith(instead(request, request.url));
});

const news = new BroadcastChannel("gongzhi-grid");
scope.addEventListener("sync", (event) =>
  event.waitUntil(
    sendAll(() => news.postMessage("changed")).then((outcome) => {
      if (outcome === "offline") throw new Error("still no connection: the browser tries again");
    }),
  ),
);
