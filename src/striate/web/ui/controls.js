/** The page's buttons and keys, and the files that are chosen, dropped or pasted. */

import { Camera } from "./camera.js";
import { find } from "./elements.js";
import { underway } from "./status.js";

/** @import { Pad } from "./pad.js" */

/**
 * Listen to all of them.
 * @param {Pad} pad
 * @param {{ refresh: () => void, leave: () => void }} acts `refresh` asks again, `leave` gives up the unit and the class
 */
export function listen(pad, { refresh, leave }) {
  const file = find("#file", HTMLInputElement);
  const press = { undo: () => pad.undo(), clear: () => pad.clear(), choose: () => file.click(), close: leave };
  for (const [id, act] of Object.entries(press)) find(`#${id}`).addEventListener("click", act);
  find("#prepared").addEventListener("change", refresh);
  tools(pad);
  files(pad, file);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leave();
    } else if ((event.ctrlKey || event.metaKey) && event.key === "z" && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      pad.undo();
    }
  });
}

/** The pen and the eraser. @param {Pad} pad */
function tools(pad) {
  /** @type {NodeListOf<HTMLElement>} */
  const all = document.querySelectorAll("[data-tool]");
  for (const tool of all) {
    tool.addEventListener("click", () => {
      pad.tool = tool.dataset.tool ?? pad.tool;
      for (const each of all) each.setAttribute("aria-pressed", String(each === tool));
    });
  }
}

/** Image files from any side. @type {(pad: Pad, file: HTMLInputElement) => void} */
function files(pad, file) {
  /** @param {Blob | undefined} image */
  const take = async (image) => {
    if (!image) return;
    underway(1);
    await pad.show(image);
    underway(-1);
  };
  const chosen = () => {
    take(file.files?.[0]);
    file.value = "";
  };
  new Camera(take);
  file.addEventListener("change", chosen);
  if (file.files?.length) chosen(); // it was chosen while the page was loading
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  addEventListener("paste", (event) => take(event.clipboardData?.files[0]));
}
