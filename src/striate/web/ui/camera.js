/**
 * A picture from the camera. It is asked for when its button is pressed, never before, and switched off after the
 * picture; the picture goes where a dropped one goes, and is kept nowhere.
 */

import { Answered } from "../compute/answered.js";
import { contextOf } from "./canvas.js";
import { find } from "./elements.js";
import { say } from "./say.js";
import { explainError } from "./status.js";

export class Camera {
  /** The camera's stream while it is on. @type {MediaStream | null} */
  stream = null;
  /** The number of requests; a stream that arrives for an older request is switched off. */
  asked = 0;
  open = find("#camera");
  panel = find("#viewfinder");
  video = find("#viewfinder video", HTMLVideoElement);

  /** @param {(file: Blob) => void} take called with the picture */
  constructor(take) {
    this.take = take;
    this.open.hidden = !navigator.mediaDevices?.getUserMedia; // a browser has it on this machine and over HTTPS only
    this.open.addEventListener("click", () => this.#begin());
    find("#shoot").addEventListener("click", () => this.#shoot());
    find("#no-camera").addEventListener("click", () => this.stop());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.stop();
    });
    addEventListener("pagehide", () => this.stop());
    document.addEventListener("visibilitychange", () => document.hidden && this.stop());
  }

  async #begin() {
    this.asked += 1;
    const asked = this.asked;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      if (asked !== this.asked) return off(stream);
      this.stream = this.video.srcObject = stream;
      this.panel.hidden = false;
      await this.video.play();
      find("#shoot").focus();
    } catch (error) {
      if (asked !== this.asked) return;
      this.stop();
      explainError(refused(error));
    }
  }

  #shoot() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return; // no picture has come yet
    const canvas = new OffscreenCanvas(videoWidth, videoHeight);
    contextOf(canvas).drawImage(this.video, 0, 0);
    this.stop();
    canvas.convertToBlob({ type: "image/png" }).then(this.take);
  }

  /** Switch the camera off. */
  stop() {
    this.asked += 1;
    if (this.stream) off(this.stream);
    this.stream = this.video.srcObject = null;
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.open.focus();
  }
}

/** @param {MediaStream} stream */
const off = (stream) => stream.getTracks().forEach((track) => track.stop());

/** A browser's error about a camera, as an answered error; any other error is returned as it is. @param {unknown} error */
function refused(error) {
  if (!(error instanceof DOMException)) return error;
  const allowed = error.name !== "NotAllowedError";
  return new Answered({
    where: "",
    what: allowed ? say("no camera can be used here.") : say("the browser does not let this page use the camera."),
    expected: say("The page asks for it only when its button is pressed, and keeps no picture."),
    remedy: say("Choose, drop or paste a picture instead."),
  });
}
