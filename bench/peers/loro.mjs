// SPDX-License-Identifier: Apache-2.0
// loro, as peer.mjs drives it: one map container from keys to numbers.
import { LoroDoc } from "loro-crdt";

function wrap(doc) {
  const replica = { doc, map: doc.getMap("m"), last: null };
  doc.subscribeLocalUpdates((update) => {
    replica.last = update;
  });
  return replica;
}

export function make() {
  return wrap(new LoroDoc());
}

export function put(replica, pairs) {
  for (const [key, value] of pairs) replica.map.set(key, value);
  replica.doc.commit();
}

// What the last put() is to others.
export function lastUpdate(replica) {
  return replica.last;
}

export function apply(replica, update) {
  replica.doc.import(update);
}

export function whole(replica) {
  return replica.doc.export({ mode: "update" });
}

export function takeWhole(replica, bytes) {
  replica.doc.import(bytes);
}

export function copy(replica) {
  const doc = new LoroDoc();
  doc.import(whole(replica));
  return wrap(doc);
}

export function seen(replica) {
  return replica.doc.oplogVersion();
}

// What `replica` has and one that has seen `vector` has not.
export function missing(replica, vector) {
  return replica.doc.export({ mode: "update", from: vector });
}

export function takeMissing(replica, bytes) {
  replica.doc.import(bytes);
}

export function* entries(replica) {
  yield* replica.map.entries();
}
