/**
 * The errors a caller can meet: what was found, what was expected, and how to fix it.
 * Their names and messages are those of Python's `ssdgm_runtime.errors`.
 */

/** The root of the family. */
export class SsdgmError extends Error {
  /** The name of the class, which a minifier leaves alone. */
  static readonly label: string = "SsdgmError";

  /**
   * @param found What was found, as the beginning of a sentence.
   * @param expected The value that was expected instead; empty where that says nothing new.
   * @param mend How to fix it: a sentence, or a line to write, which begins in lower case.
   */
  constructor(
    readonly found: string,
    readonly expected = "",
    readonly mend = "",
    options?: ErrorOptions,
  ) {
    super(sentence(found, expected, mend), options);
    this.name = new.target.label;
  }
}

/** There is nothing at the address given. */
export class BundleNotFound extends SsdgmError {
  static override readonly label = "BundleNotFound";
}

/** The manifest or the layout is not that of a bundle. */
export class FormatError extends SsdgmError {
  static override readonly label = "FormatError";
}

/** A file is missing, unlisted, unsafe or differs from its digest. */
export class IntegrityError extends SsdgmError {
  static override readonly label = "IntegrityError";
}

/** The bundle has a format, or a kind of rows or labels, that this reader does not know. */
export class UnsupportedVersion extends SsdgmError {
  static override readonly label = "UnsupportedVersion";
}

/** The bundle has no graph for what was asked. */
export class TaskUnavailable extends SsdgmError {
  static override readonly label = "TaskUnavailable";
}

/** The engine failed while it opened or ran a graph. */
export class EngineError extends SsdgmError {
  static override readonly label = "EngineError";
}

/** There is no onnxruntime-web. */
export class MissingEngine extends SsdgmError {
  static override readonly label = "MissingEngine";
}

/** An argument that the model cannot take. */
export class InputError extends SsdgmError {
  static override readonly label = "InputError";

  /**
   * @param argument The argument's name.
   * @param got What it was.
   * @param want What it should have been.
   * @param hint What to write instead.
   */
  constructor(
    readonly argument: string,
    readonly got: string,
    readonly want: string,
    readonly hint = "",
  ) {
    super(`${argument} is ${got}`, want, hint);
  }
}

/** How to repair a damaged copy. */
export const AGAIN = "Copy the bundle again from where it was made.";

/** How to repair a manifest that cannot be read. */
export const CONVERT = "Convert the run again.";

function sentence(found: string, expected: string, mend: string): string {
  const whole = expected ? `${found}; expected ${expected}` : found;
  if (!mend) return whole;
  if (/^[A-Z]/.test(mend)) return `${whole.replace(/\.+$/, "")}. ${mend}`;
  return expected ? `${whole}. Try: ${mend}` : `${whole}: ${mend}`;
}
