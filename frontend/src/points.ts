// Points of a map that would overlap are drawn as one.
import L from "leaflet";

export interface Point {
  lat: number;
  lng: number;
  count: number;
  number?: string;
  text?: string;
  state?: string;
  /** Diameter in pixels. */
  size: number;
}

/** Pixels that stay free between two points. */
const APART = 10;

const sizeOf = (count: number): number => (count === 1 ? 24 : Math.round(27 + 8 * Math.log10(count)));

/** The largest first; each swallows the smaller ones that it would cover, and moves a little towards them. */
export const merged = (map: L.Map, points: Omit<Point, "size">[]): Point[] => {
  const kept: { point: Point; at: L.Point }[] = [];
  for (const next of [...points].sort((a, b) => b.count - a.count)) {
    const at = map.latLngToContainerPoint([next.lat, next.lng]);
    const size = sizeOf(next.count);
    const under = kept.find((k) => k.at.distanceTo(at) < (k.point.size + size) / 2 + APART);
    if (!under) {
      kept.push({ point: { ...next, size }, at });
      continue;
    }
    const { point } = under;
    const total = point.count + next.count;
    point.lat += ((next.lat - point.lat) * next.count) / total;
    point.lng += ((next.lng - point.lng) * next.count) / total;
    point.count = total;
    point.size = sizeOf(total);
    under.at = map.latLngToContainerPoint([point.lat, point.lng]);
  }
  return kept.map((k) => k.point);
};
