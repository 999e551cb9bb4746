/** How the maps of a layer are laid out on its canvas, and which unit is at a point of it. */

/** @import { Place, Shape } from "../compute/types.js" */

/** The CSS pixels of a value, the gap between maps, and the maps in a row. @typedef {{ zoom: number, gap: number, columns: number }} Grid */

const GAP = 6;
/** How many maps of a layer are shown. */
export const MAPS = 64;
/** How many values of a vector are shown. */
export const VALUES = 10_000;
/** The squares of a vector by its length: up to so many values, the side of a square and the gap. */
const SQUARES = [
  { most: 16, zoom: 30, gap: 2 },
  { most: 256, zoom: 15, gap: 2 },
  { most: 1024, zoom: 9, gap: 2 },
  { most: Infinity, zoom: 3, gap: 1 },
];

/** Maps, height and width of what is shown of an output; a vector is maps of one value. @type {(shape: Shape) => [number, number, number]} */
export const shownOf = ([maps, height = 1, width = 1]) => [Math.min(maps, height * width > 1 ? MAPS : VALUES), height, width];

/**
 * The grid of maps in a room of a width. A vector may be shown in rows of `columns` values, or in squares of a `side`.
 * @param {[number, number, number]} shape
 * @param {number} wide
 * @param {{ columns: number | null, side: number | null }} given
 * @returns {Grid}
 */
export function gridOf([maps, height, width], wide, { columns, side }) {
  if (side) return { zoom: side, gap: 4, columns: fitting(maps, wide, side, 4) };
  if (height === 1 && width === 1) {
    if (columns) return { zoom: 13, gap: 1, columns };
    const { zoom, gap } = SQUARES.find(({ most }) => maps <= most) ?? SQUARES[SQUARES.length - 1];
    return { zoom, gap, columns: fitting(maps, wide, zoom, gap) };
  }
  const longer = Math.max(height, width);
  const most = longer > 16 ? 92 : longer > 8 ? 72 : 56;
  const even = (wide - (maps - 1) * GAP) / maps / width;
  let zoom = Math.min(most / longer, Math.max(even, (0.7 * most) / longer));
  if (zoom >= 1) zoom = Math.floor(zoom);
  zoom = Math.min(zoom, wide / width);
  return { zoom, gap: GAP, columns: Math.ceil(maps / Math.ceil(maps / fitting(maps, wide, zoom * width, GAP))) };
}

/** How many maps of a width fit side by side. @type {(maps: number, room: number, wide: number, gap: number) => number} */
const fitting = (maps, room, wide, gap) => Math.max(1, Math.min(maps, Math.floor((room + gap) / (wide + gap))));

/** The width and the height of the whole grid. @type {(grid: Grid, shape: Shape) => [number, number]} */
export function extentOf({ zoom, gap, columns }, [maps, height, width]) {
  return [columns * (zoom * width + gap) - gap, Math.ceil(maps / columns) * (zoom * height + gap) - gap];
}

/** (left, top) of a map. @type {(grid: Grid, shape: Shape, map: number) => [number, number]} */
export function cornerOf({ zoom, gap, columns }, [, height, width], map) {
  return [(map % columns) * (zoom * width + gap), Math.floor(map / columns) * (zoom * height + gap)];
}

/** The unit at a point, null between maps. @type {(grid: Grid, shape: Shape, x: number, y: number) => Place | null} */
export function unitAt({ zoom, gap, columns }, [maps, height, width], x, y) {
  const [right, down] = [Math.floor(x / (zoom * width + gap)), Math.floor(y / (zoom * height + gap))];
  const map = down * columns + right;
  const column = Math.floor((x - right * (zoom * width + gap)) / zoom);
  const row = Math.floor((y - down * (zoom * height + gap)) / zoom);
  const outside = right >= columns || map >= maps || column >= width || row >= height || row < 0 || column < 0;
  return outside ? null : { map, row, column };
}

/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * The unit to which a key leads: arrows walk through a map or a vector, Page Up and Down through the maps. The first key
 * leads to the middle of the first map. Undefined for another key, null beyond the edge.
 * @type {(grid: Grid, shape: Shape, from: Place | null, key: string) => Place | null | undefined}
 */
export function moved({ columns }, [maps, height, width], from, key) {
  let { map, row, column } = from ?? { map: 0, row: Math.floor(height / 2), column: Math.floor(width / 2) };
  if (key in MOVES) {
    const [down, right] = MOVES[key];
    if (from && height * width === 1) map += right + down * columns;
    else if (from) [row, column] = [row + down, column + right];
  } else if (key === "PageUp") map -= 1;
  else if (key === "PageDown") map += 1;
  else return undefined;
  const inside = map >= 0 && map < maps && row >= 0 && row < height && column >= 0 && column < width;
  return inside ? { map, row, column } : null;
}
