/**
 * Standard normal numbers as numpy draws them in float32: the ziggurat of Marsaglia and Tsang
 * (2000) with 256 layers, whose tables are computed here and are numpy's, bit for bit.
 */

import type { Philox } from "./philox.js";

const LAYERS = 256;
const TAIL = 3.6541528853610088; // where the tail begins
const AREA = 0.004928673233974658; // of each layer
const SCALE = 2 ** 23;
const [TAIL_F, INVERSE_F] = [Math.fround(TAIL), Math.fround(1 / TAIL)];

const density = (x: number): number => Math.exp(-0.5 * x * x);

const WIDTH = new Float32Array(LAYERS); // of a layer, for one step of 23 bits
const HEIGHT = new Float32Array(LAYERS); // the density at a layer's edge
const INSIDE = new Uint32Array(LAYERS); // below it a step lies under the density for certain

/** The edges of the layers, the widest, which has the tail, last. */
function edges(): Float64Array {
  const x = new Float64Array(LAYERS + 1);
  x[LAYERS] = AREA / density(TAIL);
  x[LAYERS - 1] = TAIL;
  for (let i = LAYERS - 2; i > 0; i--) {
    const outer = x[i + 1] ?? 0;
    x[i] = Math.sqrt(-2 * Math.log(AREA / outer + density(outer)));
  }
  return x;
}

/** numpy has the tail's layer first. */
function fill(): void {
  const x = edges();
  const base = x[LAYERS] ?? 0;
  WIDTH[0] = base / SCALE;
  HEIGHT[0] = 1;
  INSIDE[0] = Math.round((TAIL / base) * SCALE);
  for (let i = 1; i < LAYERS; i++) {
    const [edge, inner] = [x[i] ?? 0, x[i - 1] ?? 0];
    WIDTH[i] = edge / SCALE;
    HEIGHT[i] = density(edge);
    INSIDE[i] = Math.round((inner / edge) * SCALE);
  }
}

fill();

/** One standard normal number of float32. */
export function standardNormal(bits: Philox): number {
  for (;;) {
    const word = bits.uint32();
    const layer = word & 0xff;
    const step = (word >>> 9) & 0x7fffff;
    const size = Math.fround(step * (WIDTH[layer] ?? 0));
    const x = word & 0x100 ? -size : size;
    if (step < (INSIDE[layer] ?? 0)) return x;
    if (layer === 0) return tail(bits, step);
    const [upper, lower] = [HEIGHT[layer - 1] ?? 0, HEIGHT[layer] ?? 0];
    const height = Math.fround(Math.fround(upper - lower) * bits.float());
    if (Math.fround(height + lower) < density(x)) return x;
  }
}

function tail(bits: Philox, step: number): number {
  for (;;) {
    const x = Math.fround(-INVERSE_F * Math.fround(Math.log1p(-bits.float())));
    const y = -Math.fround(Math.log1p(-bits.float()));
    if (Math.fround(y + y) > Math.fround(x * x)) {
      const beyond = Math.fround(TAIL_F + x);
      return (step >>> 8) & 1 ? -beyond : beyond;
    }
  }
}
