/**
 * Pictures in the size that a model takes, as FORMAT.md says of image files: by Lanczos windows
 * of three pixels a side, widened by the factor where the picture shrinks.
 */

/** Numbers of a picture, `channels` of them a pixel. */
export interface Pixels {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A part of a picture: its left and upper edge, its width and height, in pixels. */
export type Box = readonly [left: number, top: number, width: number, height: number];

const WINDOW = 3;

/** A part of a picture scaled to a size. */
export function resampled(
  picture: Pixels,
  [left, top, wide, high]: Box,
  width: number,
  height: number,
): Pixels {
  const { channels } = picture;
  const across = weights(left, wide, picture.width, width);
  const down = weights(top, high, picture.height, height);
  const lines = new Float32Array(picture.height * width * channels);
  for (let y = 0; y < picture.height; y++) {
    across.forEach(({ first, factors }, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < factors.length; k++) {
          sum +=
            (factors[k] ?? 0) * (picture.data[(y * picture.width + first + k) * channels + c] ?? 0);
        }
        lines[(y * width + x) * channels + c] = sum;
      }
    });
  }
  const data = new Float32Array(height * width * channels);
  down.forEach(({ first, factors }, y) => {
    for (let i = 0; i < width * channels; i++) {
      let sum = 0;
      for (let k = 0; k < factors.length; k++)
        sum += (factors[k] ?? 0) * (lines[(first + k) * width * channels + i] ?? 0);
      data[y * width * channels + i] = sum;
    }
  });
  return { data, width, height, channels };
}

interface Weights {
  readonly first: number;
  readonly factors: readonly number[];
}

/** For each new pixel the old ones that it is made of. */
function weights(start: number, length: number, old: number, size: number): Weights[] {
  const scale = length / size;
  const wide = Math.max(scale, 1);
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - WINDOW * wide + 0.5));
    const last = Math.min(old, Math.floor(centre + WINDOW * wide + 0.5));
    const factors = Array.from({ length: Math.max(last - first, 0) }, (_, k) =>
      lanczos((first + k - centre + 0.5) / wide),
    );
    const sum = factors.reduce((total, factor) => total + factor, 0) || 1;
    return { first, factors: factors.map((factor) => factor / sum) };
  });
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= WINDOW) return 0;
  const angle = Math.PI * x;
  return (WINDOW * Math.sin(angle) * Math.sin(angle / WINDOW)) / angle ** 2;
}

/** A whole picture in a size, in one of FORMAT.md's ways. */
export function fitted(picture: Pixels, way: string, width: number, height: number): Pixels {
  const { width: w, height: h } = picture;
  if (w === width && h === height) return picture;
  if (way === "stretch") return resampled(picture, [0, 0, w, h], width, height);
  if (way === "pad") return padded(picture, width, height);
  const scale = Math.min(w / width, h / height);
  const [wide, high] = [width * scale, height * scale];
  return resampled(picture, [(w - wide) / 2, (h - high) / 2, wide, high], width, height);
}

function padded(picture: Pixels, width: number, height: number): Pixels {
  const { width: w, height: h, channels } = picture;
  const scale = Math.min(width / w, height / h);
  const [wide, high] = [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
  const inner = resampled(picture, [0, 0, w, h], wide, high);
  const data = new Float32Array(width * height * channels);
  const [left, top] = [Math.floor((width - wide) / 2), Math.floor((height - high) / 2)];
  for (let y = 0; y < high; y++) {
    const line = inner.data.subarray(y * wide * channels, (y + 1) * wide * channels);
    data.set(line, ((y + top) * width + left) * channels);
  }
  return { data, width, height, channels };
}
