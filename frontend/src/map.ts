// Maps drawn from the city's own outlines; no tile server is asked unless the city names one.
import L from "leaflet";
import { type Label, placeLabels } from "./labels";
import { crews, waiting } from "./map-waiting";
import { merged, type Point } from "./points";

const SHADES = ["#dcebe9", "#e6ece0", "#ece7dc", "#e2e6ee", "#efe2e2", "#dfeaf2"];
const DEEPEST = 17;

interface Place {
  lat: number;
  lng: number;
}
interface City {
  map: L.Map;
  labels: Label[];
}

const metresAPixel = (map: L.Map): number =>
  (40_075_016.7 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / 2 ** (map.getZoom() + 8);

const styled = (feature: GeoJSON.Feature | undefined, hasTiles: boolean): L.PathOptions => {
  const p = feature?.properties ?? {};
  if (p.level === "street")
    return {
      color: "#9fb3ba",
      weight: 1,
      fillColor: SHADES[Number(p.shade ?? 0) % SHADES.length],
      fillOpacity: hasTiles ? 0.05 : 1,
    };
  if (p.level === "water")
    return { color: "#9cc9e2", weight: 4, fillColor: "#9cc9e2", fillOpacity: 1, lineCap: "round", lineJoin: "round" };
  if (p.level === "avenue") return { color: "#ffffff", weight: 3.5, opacity: 0.95, fill: false };
  if (p.level === "way") return { color: "#ffffff", weight: 2, opacity: 0.8, fill: false };
  return { color: "#587079", weight: p.level === "city" ? 2.5 : 1.8, fill: false };
};

const draw = async (element: HTMLElement): Promise<City> => {
  const map = L.map(element, {
    zoomSnap: 0.25,
    maxZoom: 19,
    preferCanvas: true,
    attributionControl: false,
    scrollWheelZoom: !element.dataset.still,
  });
  map.setView([Number(element.dataset.lat ?? 0), Number(element.dataset.lng ?? 0)], 12);
  const tiles = element.dataset.tiles;
  if (tiles) L.tileLayer(tiles, { maxZoom: 19 }).addTo(map);
  const labels: Label[] = [];
  const response = await fetch("/map/city.geojson");
  if (!response.ok) throw new Error(String(response.status));
  const city = (await response.json()) as GeoJSON.FeatureCollection;
  const rivers: { line: L.Polyline; width: number }[] = [];
  const outlines = L.geoJSON(city, {
    interactive: false,
    filter: (f) => f.geometry.type !== "Point",
    style: (feature) => styled(feature, Boolean(tiles)),
    onEachFeature: (feature, layer) => {
      const p = feature.properties ?? {};
      const shape = layer as L.Polyline;
      if (p.level === "water") rivers.push({ line: shape, width: Number(p.width_m ?? 100) });
      const middle = (line: L.LatLng[]): L.LatLng => line[Math.floor(line.length / 2)] ?? shape.getBounds().getCenter();
      if (p.level === "water" && feature.geometry.type === "LineString")
        labels.push({ at: middle(shape.getLatLngs() as L.LatLng[]), text: p.name, rank: 1, kind: "water", from: 0 });
      if (p.level === "district")
        labels.push({ at: shape.getBounds().getCenter(), text: p.name, rank: 0, kind: "district", from: 0 });
      if (p.level === "street")
        labels.push({ at: shape.getBounds().getCenter(), text: p.name, rank: 2, kind: "street", from: 11.5 });
      if (p.level === "avenue" || p.level === "way")
        labels.push({
          at: middle(shape.getLatLngs() as L.LatLng[]), text: p.name, rank: 3, kind: "way",
          from: p.level === "avenue" ? 13.5 : 14.5,
        });
    },
  }).addTo(map);
  const widen = (): void => {
    const scale = metresAPixel(map);
    for (const { line, width } of rivers) line.setStyle({ weight: Math.max(3, width / scale) });
  };
  map.on("zoomend", widen);
  if (!element.dataset.zoom && outlines.getLayers().length)
    map.fitBounds(outlines.getBounds(), { padding: [6, 6], animate: false });
  widen();
  return { map, labels };
};

const pin = (place: Place): L.CircleMarker =>
  L.circleMarker([place.lat, place.lng], {
    radius: 9,
    color: "#fff",
    weight: 3,
    fillColor: "#b4540a",
    fillOpacity: 1,
  });

const picker = async (element: HTMLElement): Promise<void> => {
  element.hidden = false;
  const { map, labels } = await draw(element);
  placeLabels(map, labels, []);
  map.on("moveend", () => placeLabels(map, labels, []));
  let marker: L.CircleMarker | undefined;
  const show = (place: Place): void => {
    marker?.remove();
    marker = pin(place).addTo(map);
    map.setView([place.lat, place.lng], Math.max(map.getZoom(), 15));
    const told = document.querySelector<HTMLElement>("#place-told");
    if (told) told.textContent = told.dataset.chosen ?? "";
  };
  const [lat, lng] = ["lat", "lng"].map((id) => document.querySelector<HTMLInputElement>(`#${id}`));
  if (!lat || !lng) return;
  if (lat.value && lng.value) show({ lat: Number(lat.value), lng: Number(lng.value) });
  document.addEventListener("place", (event) => show((event as CustomEvent<Place>).detail));
  map.on("click", ({ latlng }) => {
    lat.value = latlng.lat.toFixed(6);
    lng.value = latlng.lng.toFixed(6);
    lat.dispatchEvent(new Event("change", { bubbles: true }));
    show(latlng);
    document.querySelector("#text")?.dispatchEvent(new Event("input", { bubbles: true }));
  });
};

const single = async (element: HTMLElement): Promise<void> => {
  const place = { lat: Number(element.dataset.lat), lng: Number(element.dataset.lng) };
  element.hidden = false;
  const { map, labels } = await draw(element);
  map.setView([place.lat, place.lng], Number(element.dataset.zoom ?? 15), { animate: false });
  pin(place).addTo(map);
  const taken = (): void => placeLabels(map, labels, [{ at: L.latLng(place), size: 24 }]);
  taken();
  map.on("moveend", taken);
};

interface RoundStop extends Place {
  number: number;
  text: string;
  late: boolean;
}

/** The stops of a round by number, with the outline of the cell. */
const round = async (element: HTMLElement): Promise<void> => {
  const source = document.getElementById(element.dataset.round ?? "")?.textContent;
  if (!source) return;
  const { outline, stops } = JSON.parse(source) as { outline: GeoJSON.Geometry | null; stops: RoundStop[] };
  if (!outline && stops.length === 0) return;
  element.hidden = false;
  element.dataset.zoom = "15";
  const { map, labels } = await draw(element);
  const shown = L.featureGroup().addTo(map);
  if (outline) L.geoJSON(outline, { interactive: false, style: { color: "#0b5563", weight: 3, fillOpacity: 0.06 } }).addTo(shown);
  for (const stop of stops) {
    const icon = L.divIcon({ className: `bubble stop${stop.late ? " late" : ""}`, html: "", iconSize: [24, 24] });
    const marker = L.marker([stop.lat, stop.lng], { icon, keyboard: false }).addTo(shown).bindPopup(() => {
      const text = document.createElement("p");
      text.textContent = `${stop.number}. ${stop.text}`;
      return text;
    });
    const box = marker.getElement();
    if (box) box.textContent = String(stop.number);
  }
  map.fitBounds(shown.getBounds(), { padding: [18, 18], animate: false });
  const taken = (): void => placeLabels(map, labels, stops.map((s) => ({ at: L.latLng(s), size: 24 })));
  taken();
  map.on("moveend", taken);
};

interface Matter {
  number: string;
  text: string;
  state: string;
}

const entry = (matter: Matter): HTMLElement => {
  const [item, link, state] = ["li", "a", "span"].map((name) => document.createElement(name));
  if (!item || !link || !state) throw new Error();
  link.setAttribute("href", `/cases/${matter.number}/`);
  link.textContent = matter.text;
  state.className = "tag";
  state.textContent = matter.state;
  item.append(state, " ", link);
  return item;
};

const listed = (matters: Matter[], more: string): HTMLElement => {
  const list = document.createElement("ul");
  list.className = "here";
  list.append(...matters.map(entry));
  if (more) {
    const rest = document.createElement("li");
    rest.textContent = more;
    list.append(rest);
  }
  return list;
};

const overview = async (element: HTMLElement): Promise<void> => {
  const { map, labels } = await draw(element);
  const layer = L.layerGroup().addTo(map);
  let asked = 0;
  const open = async (point: Point): Promise<void> => {
    const near = 0.00003;
    const query = new URLSearchParams(location.search);
    query.set("bbox", [point.lng - near, point.lat - near, point.lng + near, point.lat + near].join(","));
    const response = await fetch(`/map/here.json?${query}`);
    if (!response.ok) return;
    const { matters } = (await response.json()) as { matters: Matter[] };
    const more = point.count > matters.length ? (element.dataset.more ?? "") : "";
    L.popup({ maxHeight: 260 }).setLatLng([point.lat, point.lng]).setContent(listed(matters, more)).openOn(map);
  };
  const choose = (point: Point): void => {
    if (map.getZoom() >= DEEPEST) void open(point);
    else map.setView([point.lat, point.lng], Math.min(map.getZoom() + 2, DEEPEST));
  };
  const bubble = (point: Point): L.Marker => {
    const icon = L.divIcon({ className: "bubble", html: "", iconSize: [point.size, point.size] });
    const marker = L.marker([point.lat, point.lng], { icon, keyboard: false }).addTo(layer);
    marker.on("click", () => choose(point));
    const box = marker.getElement();
    if (box) box.textContent = String(point.count);
    return marker;
  };
  const refresh = async (): Promise<void> => {
    const mine = ++asked;
    const query = new URLSearchParams(location.search);
    query.set("bbox", map.getBounds().pad(0.05).toBBoxString());
    query.set("zoom", String(Math.round(map.getZoom())));
    const response = await fetch(`/map/points.json?${query}`);
    if (!response.ok || mine !== asked) return;
    const answer = (await response.json()) as { points: Point[] };
    const points = merged(map, answer.points);
    layer.clearLayers();
    for (const point of points) {
      if (point.count > 1) bubble(point);
      else
        pin(point)
          .bindPopup(() => listed([point as unknown as Matter], ""))
          .addTo(layer);
    }
    placeLabels(map, labels, points.map((p) => ({ at: L.latLng(p), size: p.size })));
  };
  map.on("moveend", () => void refresh());
  await refresh();
};

/** Pins that another module draws, and the names of places around them. */
const pinned =
  (pins: (map: L.Map) => L.LatLng[]) =>
  async (element: HTMLElement): Promise<void> => {
    element.hidden = false;
    const { map, labels } = await draw(element);
    const places = pins(map);
    if (places.length) map.fitBounds(L.latLngBounds(places), { padding: [30, 30], maxZoom: 14, animate: false });
    const names = (): void => placeLabels(map, labels, places.map((at) => ({ at, size: 26 })));
    names();
    map.on("moveend", names);
  };

const KINDS: Record<string, (element: HTMLElement) => Promise<void>> = {
  pick: picker,
  one: single,
  waiting: pinned(waiting),
  round,
  crews: pinned(crews),
};

const start = (element: HTMLElement): void => {
  (KINDS[element.dataset.map ?? ""] ?? overview)(element).catch(() => {
    if (!element.dataset.failed) element.hidden = true;
    else element.textContent = element.dataset.failed;
  });
};
for (const element of document.querySelectorAll<HTMLElement>("[data-map]")) start(element);
document.addEventListener("show-map", (event) => start(event.target as HTMLElement));
