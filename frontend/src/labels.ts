// Names on a map: the important ones first, none over another or over a point.
import L from "leaflet";

export interface Label {
  at: L.LatLng;
  text: string;
  /** Smaller is placed earlier. */
  rank: number;
  kind: string;
  /** From this zoom on. */
  from: number;
}
interface Taken {
  at: L.LatLng;
  /** Diameter in pixels. */
  size: number;
}
interface Box {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** Where a name may stand from its place, in pixels, the nearest first. */
const NEAR: readonly [number, number][] = [0, 20, 34, 48, 62, 76].flatMap((far) =>
  far === 0
    ? [[0, 0] as [number, number]]
    : Array.from({ length: 8 }, (_, n): [number, number] => [
        Math.round(far * Math.sin((n * Math.PI) / 4)),
        Math.round(far * Math.cos((n * Math.PI) / 4)),
      ]),
);

const shown = new WeakMap<L.Map, L.LayerGroup>();
const EM: Record<string, number> = { district: 15, water: 13, street: 12, way: 11 };

const widthOf = (text: string, em: number): number =>
  Array.from(text).reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? em * 1.08 : em * 0.6), 10);
const meets = (a: Box, b: Box): boolean => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;

/** Show those of `labels` for which there is room beside `points`. */
export const placeLabels = (map: L.Map, labels: Label[], points: Taken[]): void => {
  const layer = shown.get(map) ?? L.layerGroup().addTo(map);
  shown.set(map, layer.clearLayers());
  if (!map.getPane("names")) {
    const pane = map.createPane("names");
    pane.style.zIndex = "450";
    pane.style.pointerEvents = "none";
  }
  const view = map.getSize();
  const taken: Box[] = points.map(({ at, size }) => {
    const { x, y } = map.latLngToContainerPoint(at);
    const half = size / 2 + 1;
    return { x1: x - half, y1: y - half, x2: x + half, y2: y + half };
  });
  for (const label of [...labels].sort((a, b) => a.rank - b.rank)) {
    if (map.getZoom() < label.from) continue;
    const em = EM[label.kind] ?? 12;
    const [width, height] = [widthOf(label.text, em), em * 1.5];
    const middle = map.latLngToContainerPoint(label.at);
    for (const [dx, dy] of label.kind === "way" ? NEAR.slice(0, 3) : NEAR) {
      const [x, y] = [middle.x + dx, middle.y + dy];
      const box = { x1: x - width / 2, y1: y - height / 2, x2: x + width / 2, y2: y + height / 2 };
      const isIn = box.x1 > 0 && box.y1 > 0 && box.x2 < view.x && box.y2 < view.y;
      if (!isIn || taken.some((other) => meets(box, other))) continue;
      taken.push(box);
      const icon = L.divIcon({ className: `place-name ${label.kind}`, html: "", iconSize: [width, height] });
      const marker = L.marker(map.containerPointToLatLng([x, y]), {
        icon, pane: "names", interactive: false, keyboard: false,
      }).addTo(layer);
      const element = marker.getElement();
      if (element) element.textContent = label.text;
      break;
    }
  }
};
