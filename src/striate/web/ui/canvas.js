/** Canvases: their contexts, and their size in device pixels. */

/**
 * The 2D context of a canvas.
 * @overload
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 * @returns {CanvasRenderingContext2D}
 */
/**
 * @overload
 * @param {OffscreenCanvas} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 * @returns {OffscreenCanvasRenderingContext2D}
 */
/** @param {HTMLCanvasElement | OffscreenCanvas} canvas @param {CanvasRenderingContext2DSettings} [options] */
export function contextOf(canvas, options) {
  const context = canvas.getContext("2d", options);
  if (!context) throw new Error("the browser gives no 2D canvas");
  return context;
}

/**
 * Give a canvas a size in CSS pixels, where it has another one; and its context, cleared, whose unit is a CSS pixel.
 * @param {HTMLCanvasElement} canvas
 * @param {number} across
 * @param {number} down
 */
export function sized(canvas, across, down) {
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(across * ratio), Math.round(down * ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [width, height];
    [canvas.style.width, canvas.style.height] = [`${across}px`, `${down}px`];
  }
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, across, down);
  return context;
}
