/** Quantiles: where a score stands among kept ones, and those of the normal distribution. */

/** The share of rows as strange as each score or stranger; NaN where nothing is kept. */
export function ranks(
  scores: Float32Array,
  levels: readonly number[],
  values: readonly number[],
): Float64Array {
  return Float64Array.from(scores, (score) =>
    levels.length ? 1 - interpolated(score, values, levels) : Number.NaN,
  );
}

/** As numpy's `interp` with 0 to the left and 1 to the right. */
function interpolated(at: number, xs: readonly number[], ys: readonly number[]): number {
  const [last, first] = [xs[xs.length - 1] ?? 0, xs[0] ?? 0];
  if (at < first) return 0;
  if (at > last) return 1;
  let i = xs.length - 1;
  while (i > 0 && (xs[i] ?? 0) > at) i--;
  const [low, high] = [xs[i] ?? 0, xs[i + 1] ?? last];
  const [from, to] = [ys[i] ?? 0, ys[i + 1] ?? ys[i] ?? 0];
  return high > low ? from + ((at - low) / (high - low)) * (to - from) : from;
}

type Coefficients = readonly number[];

// Wichura (1988), "Algorithm AS241: the percentage points of the normal distribution"
const CENTRE: readonly [Coefficients, Coefficients] = [
  [
    2.509080928730122672e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
    4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
    1.3314166789178437745e2, 3.387132872796366608,
  ],
  [
    5.226495278852854561e3, 2.8729085735721942674e4, 3.930789580009271061e4,
    2.1213794301586595867e4, 5.3941960214247511077e3, 6.871870074920579083e2,
    4.2313330701600911252e1, 1,
  ],
];
const MIDDLE: readonly [Coefficients, Coefficients] = [
  [
    7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.4178072517745061177e-1,
    1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
    1.42343711074968357734,
  ],
  [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2,
    1.4810397642748007459e-1, 6.8976733498510000455e-1, 1.6763848301838038494,
    2.05319162663775882187, 1,
  ],
];
const TAIL: readonly [Coefficients, Coefficients] = [
  [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3,
    2.6532189526576123093e-2, 2.9656057182850489123e-1, 1.7848265399172913358,
    5.4637849111641143699, 6.6579046435011037772,
  ],
  [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
    7.868691311456132591e-4, 1.48753612908506148525e-2, 1.3692988092273580531e-1,
    5.9983220655588793769e-1, 1,
  ],
];

/** The number below which a standard normal one is with probability `p`. */
export function inverseNormal(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(q <= 0 ? p : 1 - p));
  const x = r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(TAIL, r - 5);
  return q < 0 ? -x : x;
}

function ratio([above, below]: readonly [Coefficients, Coefficients], r: number): number {
  const value = (terms: Coefficients): number => terms.reduce((sum, term) => sum * r + term, 0);
  return value(above) / value(below);
}
