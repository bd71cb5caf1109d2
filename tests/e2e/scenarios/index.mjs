// All scenarios, in the order in which they start.
import { plain } from "./plain.mjs";
import { fallback } from "./fallback.mjs";
import { options } from "./options.mjs";
import { dash } from "./dash.mjs";
import { crowd } from "./crowd.mjs";
import { answers } from "./answers.mjs";
import { panics } from "./panics.mjs";
import { interruptions } from "./interruptions.mjs";
import { soaks } from "./soak.mjs";
import { failures } from "./failures.mjs";
import { hostile } from "./hostile.mjs";
import { players } from "./players.mjs";
import { formats } from "./formats.mjs";
import { estimate } from "./estimate.mjs";
import { browsers } from "./browsers.mjs";
import { page } from "./page.mjs";
import { signatures } from "./signatures.mjs";
export const scenarios = [
  plain, options, crowd, dash, fallback, failures, hostile, signatures, answers, panics, interruptions, soaks, players, formats,
  estimate, browsers, page,
].flat();
