// All questions, in the order of docs/benchmarks.md.
import abr from "./abr.mjs";
import core from "./core.mjs";
import cost from "./cost.mjs";
import faults from "./faults.mjs";
import offload from "./offload.mjs";
import rivalSettings from "./rival-settings.mjs";
import startup from "./startup.mjs";
import throughput from "./throughput.mjs";
import weight from "./weight.mjs";

export const questions = [offload, startup, faults, cost, core, throughput, weight, abr, rivalSettings];
