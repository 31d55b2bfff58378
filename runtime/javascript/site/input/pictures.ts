/** Pictures from files, the clipboard and the camera. */

import { el, report } from "../dom.js";
import type { Pixels } from "./resample.js";

const MOST = 1024; // pixels a side that are read of a picture

/** A file as a picture; raises where it is none. */
export async function pictureOf(file: Blob): Promise<Pixels> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This file cannot be read as a picture. Save it as PNG or JPEG.");
  }
  const pixels = pixelsOf(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return pixels;
}

/** A picture of the browser's as red, green and blue from 0 to 255, on white. */
export function pixelsOf(source: CanvasImageSource, wide: number, high: number): Pixels {
  const scale = Math.min(1, MOST / Math.max(wide, high));
  const [width, height] = [
    Math.max(1, Math.round(wide * scale)),
    Math.max(1, Math.round(high * scale)),
  ];
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser has no canvas");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const colours = new Float32Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) colours[3 * i + c] = data[4 * i + c] ?? 0;
  }
  return { data: colours, width, height, channels: 3 };
}

/** Colours as greys, in the whole numbers of ITU-R 601 that Pillow has. */
export function greyed({ data, width, height }: Pixels): Pixels {
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const [r = 0, g = 0, b = 0] = data.subarray(3 * i, 3 * i + 3);
    grey[i] = Math.floor((r * 19595 + g * 38470 + b * 7471 + 0x8000) / 65536);
  }
  return { data: grey, width, height, channels: 1 };
}

/** Call `taken` with pictures that are dropped on an element or pasted into the page. */
export function acceptDrops(element: HTMLElement, taken: (file: Blob) => void): void {
  const first = (items: DataTransfer | null): void => {
    const file = [...(items?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (file) taken(file);
  };
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    first(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => first(event.clipboardData));
}

/** The camera, where there is one: frames arrive until it is stopped. */
export interface Camera {
  readonly element: HTMLElement;
  stop(): void;
}

const PAUSE = 120; // milliseconds between frames

/** A button that starts and stops the camera; undefined where the browser gives none. */
export function cameraButton(seen: (picture: Pixels) => void): Camera | undefined {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (!devices?.getUserMedia) return undefined;
  const video = el("video", { playsinline: true, muted: true, hidden: true });
  let [stream, timer] = [undefined as MediaStream | undefined, 0];
  const stop = (): void => {
    window.clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = undefined;
    control.textContent = "Camera";
    control.setAttribute("aria-pressed", "false");
  };
  const start = async (): Promise<void> => {
    try {
      stream = await devices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      report(new Error("The camera cannot be used: the browser or you have not allowed it."));
      return;
    }
    video.srcObject = stream;
    await video.play();
    control.textContent = "Hold";
    control.setAttribute("aria-pressed", "true");
    timer = window.setInterval(() => {
      if (video.videoWidth) seen(pixelsOf(video, video.videoWidth, video.videoHeight));
    }, PAUSE);
  };
  const control = el("button", { type: "button", text: "Camera", "aria-pressed": "false" });
  control.addEventListener("click", () => void (stream ? stop() : start()));
  return { element: el("span", {}, control, video), stop };
}
