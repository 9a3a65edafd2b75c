// SPDX-License-Identifier: Apache-2.0
//
// node run.mjs BENCH_PEER [--quick] [--json FILE] [--markdown]
//
// Runs BENCH_PEER, which measures holm, and peer.mjs for each other library, one after the other and
// that several times, each in a process of its own; prints one table of the medians. The libraries'
// versions are those of package-lock.json beside this file.
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = { yjs: "yjs", loro: "loro-crdt", automerge: "@automerge/automerge" };
const libraries = ["holm", ...Object.keys(packages)];

const [program, ...options] = process.argv.slice(2);
const quick = options.includes("--quick");
const markdown = options.includes("--markdown");
const json = options.includes("--json") ? options[options.indexOf("--json") + 1] : null;
const keyCount = quick ? 20000 : 100000;
const repeats = quick ? 1 : 3;

// Name, what it is, and for 100,000 keys what holm has set itself.
const workloads = [
  ["put_each", "put of a new key, one a transaction", 200, "ns"],
  ["put_all", "the same, all in one (holm: 1,024)", 200, "ns"],
  ["memory", "memory a key, one integer", 100, "B"],
  ["apply_each", "a one-key update applied", 1500, "ns"],
  ["apply_batch", "an update of 1,024 keys, a key", 330, "ns"],
  ["update_bytes", "bytes of a one-key update", 64, "B"],
  ["batch_bytes", "bytes a key in one of 1,024", 24, "B"],
  ["merge_missing", "1% new on each side: what is missing", 0, "ms"],
  ["merge_whole", "1% new on each side: one as a whole", 3, "ms"],
];

function die(text) {
  process.stderr.write(`bench: ${text}\n`);
  process.exit(1);
}

function figuresOf(library) {
  const [file, args] =
    library === "holm"
      ? [program, [String(keyCount)]]
      : [process.execPath, ["--expose-gc", join(here, "peer.mjs"), library, String(keyCount)]];
  const run = spawnSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (run.status !== 0) die(`${library} ended with ${run.error ?? run.signal ?? run.status}`);
  return run.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function measure() {
  const figures = new Map();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const library of libraries) {
      for (const figure of figuresOf(library)) {
        const key = `${library} ${figure.workload}`;
        figures.set(key, [...(figures.get(key) ?? []), figure.value]);
        if (json) appendFileSync(json, `${JSON.stringify({ ...figure, keys: keyCount })}\n`);
      }
    }
  }
  return figures;
}

function number(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function spell(value, unit) {
  if (unit === "ns" && value >= 1e6) return `${number(value / 1e6)} ms`;
  if (unit === "ns" && value >= 1e4) return `${number(value / 1e3)} us`;
  return `${number(value)} ${unit}`;
}

function verdict(value, goal) {
  if (goal === 0 || quick) return "";
  return `${value <= goal ? "reached" : "MISSED"} ${number(value / goal)}`;
}

function versions() {
  const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8")).packages;
  const named = Object.entries(packages).map(
    ([library, name]) => `${library} ${lock[`node_modules/${name}`].version}`,
  );
  return `${named.join(", ")}, node ${process.versions.node}`;
}

function printText(rows) {
  const line = (cells, end) =>
    console.log(
      `${cells[0].padEnd(37)}${cells.slice(1, 5).map((c) => c.padStart(10)).join("")}  ${end}`.trimEnd(),
    );
  console.log(`peers, ${keyCount} keys, medians of ${repeats}: ${versions()}\n`);
  line(["", ...libraries], "holm's goal");
  for (const row of rows) line(row.cells, [row.goal.padEnd(8), row.verdict].join(" "));
}

function printMarkdown(rows) {
  console.log(`**peers**: ${keyCount} keys, medians of ${repeats}; ${versions()}\n`);
  console.log(`| | ${libraries.join(" | ")} | holm's goal | |\n|${"---|".repeat(7)}`);
  for (const row of rows) console.log(`| ${[...row.cells, row.goal, row.verdict].join(" | ")} |`);
}

const known = options.filter((option) => ["--quick", "--markdown", "--json", json].includes(option));
if (!program || known.length < options.length || json === undefined)
  die("usage: run.mjs BENCH_PEER [--quick] [--json FILE] [--markdown]");
const figures = measure();
const rows = workloads.map(([workload, about, goal, unit]) => {
  const values = libraries.map((library) => median(figures.get(`${library} ${workload}`)));
  return {
    cells: [about, ...values.map((value) => spell(value, unit))],
    goal: goal > 0 ? `${goal} ${unit}` : "",
    verdict: verdict(values[0], goal),
  };
});
(markdown ? printMarkdown : printText)(rows);
