/** The spaces of labels by their names. */

import { get, type Json } from "../bundle/json.js";
import { UnsupportedVersion } from "../errors.js";
import { parseClasses, type Classes, type Classification } from "./classes.js";
import { parseNumbers, type Estimate, type Numbers } from "./numbers.js";
import { parseOneClass, type OneClass, type Verdict } from "./oneclass.js";
import { parseTags, type Tagging, type Tags } from "./tags.js";

/** What a label of a bundle is. */
export type Space = Classes | Tags | Numbers | OneClass;

/** What a classifier answers; `space` says which it is. */
export type AnyAnswer = Classification | Tagging | Estimate | Verdict;

const SPACES: Readonly<Record<string, (section: Json) => Space>> = {
  classes: parseClasses,
  tags: parseTags,
  numbers: parseNumbers,
  "one-class": parseOneClass,
};

/** The field `labels` of a manifest. */
export function parseSpace(section: Json): Space {
  const name = get(section, "space", "string");
  const parse = Object.hasOwn(SPACES, name) ? SPACES[name] : undefined;
  if (parse) return parse(section);
  throw new UnsupportedVersion(
    `The labels of this bundle are ${name}`,
    `one of ${Object.keys(SPACES).join(", ")}`,
    "Run this bundle with the Python package ssdgm-runtime.",
  );
}
