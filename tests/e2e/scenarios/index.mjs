// All scenarios, in the order in which they start.
import { options } from "./options.mjs";
import { plain } from "./plain.mjs";

export const scenarios = [plain, options].flat();
