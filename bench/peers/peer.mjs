// SPDX-License-Identifier: Apache-2.0
//
// node --expose-gc peer.mjs LIBRARY KEYS
//
// Runs the workloads that bench_peer runs with holm once with another library, of which LIBRARY.mjs
// lies beside this file. Prints a line of JSON for each
// figure. What was made is compared key by key before its figure is printed; an exception ends it.
import assert from "node:assert/strict";

const [library, keyCount] = [process.argv[2], Number(process.argv[3])];
const peer = await import(`./${library}.mjs`);

const LIMIT_MS = 3000; // of a loop over single operations: the slowest library does not finish it
const SINGLES = 1000;
const BATCH = 1024;

function tell(workload, unit, value, note = "") {
  console.log(JSON.stringify({ library, workload, unit, value, note }));
}

function keyOf(number) {
  return `k${String(number).padStart(8, "0")}`;
}

// Small numbers in an order that has nothing to do with that of the keys.
function shuffled(count) {
  const numbers = Array.from({ length: count }, (_, i) => i);
  let state = 20261121;
  for (let i = count; i > 1; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % i;
    [numbers[i - 1], numbers[other]] = [numbers[other], numbers[i - 1]];
  }
  return numbers;
}

function compare(replica, expected) {
  let count = 0;
  for (const [key, value] of peer.entries(replica)) {
    assert.equal(value, expected.get(key), `the value of ${key}`);
    count += 1;
  }
  assert.equal(count, expected.size, "so many keys");
}

function memory() {
  globalThis.gc();
  globalThis.gc();
  const usage = process.memoryUsage();
  return usage.heapUsed + usage.external;
}

// What this process has worked, in ms: what others take of a shared machine is not in it. As holm's own
// figures; the collector's and compiler's threads count.
function worked() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

// Calls step(i) for i from 0 until `count` calls or the time are over. Returns ns a call.
function loop(count, step) {
  const begun = worked();
  let done = 0;
  while (done < count && (done % 16 > 0 || worked() - begun < LIMIT_MS)) step(done++);
  return { ns: ((worked() - begun) / done) * 1e6, done };
}

const pairs = Array.from({ length: keyCount }, (_, i) => [keyOf(i), i]);
const order = shuffled(keyCount);
const expected = new Map(pairs);

function putEach() {
  const replica = peer.make();
  const { ns, done } = loop(keyCount, (i) => peer.put(replica, [pairs[i]]));
  compare(replica, new Map(pairs.slice(0, done)));
  tell("put_each", "ns", ns, done < keyCount ? `${done} puts` : "");
}

function putAll() {
  const before = memory();
  const replica = peer.make();
  const begun = worked();
  peer.put(replica, pairs);
  tell("put_all", "ns", ((worked() - begun) / keyCount) * 1e6);
  tell("memory", "B", (memory() - before) / keyCount);
  compare(replica, expected);
  return replica;
}

// Single updates of old keys, made by one replica and applied by the other.
function applySingles(from, to) {
  const updates = [];
  const made = loop(SINGLES, (i) => {
    const key = keyOf(order[i]);
    expected.set(key, -1 - i);
    peer.put(from, [[key, -1 - i]]);
    updates.push(peer.lastUpdate(from));
  });
  const bytes = updates.reduce((sum, update) => sum + update.length, 0);
  tell("update_bytes", "B", bytes / made.done);
  const begun = worked();
  for (const update of updates) peer.apply(to, update);
  const ns = ((worked() - begun) / made.done) * 1e6;
  tell("apply_each", "ns", ns, made.done < SINGLES ? `${made.done} updates` : "");
  compare(to, expected);
}

function applyBatch(from, to) {
  const batch = order.slice(SINGLES, SINGLES + BATCH).map((number) => [keyOf(number), number + 7]);
  for (const [key, value] of batch) expected.set(key, value);
  peer.put(from, batch);
  const update = peer.lastUpdate(from);
  tell("batch_bytes", "B", update.length / BATCH);
  const begun = worked();
  peer.apply(to, update);
  tell("apply_batch", "ns", ((worked() - begun) / BATCH) * 1e6);
  compare(to, expected);
}

// 1% new on each side, brought together both ways by what each has not seen, …
function mergeMissing(left, right) {
  const more = keyCount / 100;
  const sides = [left, right];
  sides.forEach((side, s) => {
    const fresh = Array.from({ length: more }, (_, i) => [keyOf(keyCount + s * more + i), i]);
    for (const [key, value] of fresh) expected.set(key, value);
    peer.put(side, fresh);
  });
  const apart = sides.map(peer.copy);
  const begun = worked();
  const forRight = peer.missing(left, peer.seen(right));
  const forLeft = peer.missing(right, peer.seen(left));
  peer.takeMissing(left, forLeft);
  peer.takeMissing(right, forRight);
  tell("merge_missing", "ms", worked() - begun);
  compare(left, expected);
  compare(right, expected);
  return apart;
}

// … and the one into the other as a whole.
function mergeWhole([left, right]) {
  const begun = worked();
  peer.takeWhole(left, peer.whole(right));
  tell("merge_whole", "ms", worked() - begun);
  compare(left, expected);
}

putEach();
const left = putAll();
const right = peer.copy(left);
compare(right, expected);
applySingles(left, right);
applyBatch(left, right);
mergeWhole(mergeMissing(left, right));
