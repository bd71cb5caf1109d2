// All scenarios, in the order in which they start.
import { plain } from "./plain.mjs";
import { fallback } from "./fallback.mjs";
import { options } from "./options.mjs";
import { dash } from "./dash.mjs";
import { crowd } from "./crowd.mjs";
import { failures } from "./failures.mjs";
import { players } from "./players.mjs";
import { formats } from "./formats.mjs";
import { estimate } from "./estimate.mjs";
import { page } from "./page.mjs";
export const scenarios = [plain, options, crowd, dash, fallback, failures, players, formats, estimate, page].flat();
