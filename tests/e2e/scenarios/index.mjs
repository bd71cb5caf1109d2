// All scenarios, in the order in which they start.
import { plain } from "./plain.mjs";

export const scenarios = [plain].flat();
