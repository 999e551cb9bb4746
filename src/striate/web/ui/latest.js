/** Questions that are asked again and again while a pen moves. */

import { underway } from "./status.js";

/**
 * A function that runs `work`, at most `most` times at once. Calls meanwhile lead to one more run, with the latest state.
 * @param {() => void | Promise<void>} work
 */
export function latest(work, most = 1) {
  let wanted = false;
  let running = 0;
  return async () => {
    wanted = true;
    if (running === most) return;
    running += 1;
    underway(1);
    try {
      while (wanted) {
        wanted = false;
        await work();
      }
    } finally {
      underway(-1);
      running -= 1;
    }
  };
}
