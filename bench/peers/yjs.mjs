// SPDX-License-Identifier: Apache-2.0
// yjs, as peer.mjs drives it: one Y.Map from keys to numbers.
import * as Y from "yjs";

function wrap(doc) {
  const replica = { doc, map: doc.getMap("m"), last: null };
  doc.on("update", (update) => {
    replica.last = update;
  });
  return replica;
}

export function make() {
  return wrap(new Y.Doc());
}

export function put(replica, pairs) {
  replica.doc.transact(() => {
    for (const [key, value] of pairs) replica.map.set(key, value);
  });
}

// What the last put() is to others.
export function lastUpdate(replica) {
  return replica.last;
}

export function apply(replica, update) {
  Y.applyUpdate(replica.doc, update);
}

export function whole(replica) {
  return Y.encodeStateAsUpdate(replica.doc);
}

export function takeWhole(replica, bytes) {
  Y.applyUpdate(replica.doc, bytes);
}

export function copy(replica) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, whole(replica));
  return wrap(doc);
}

export function seen(replica) {
  return Y.encodeStateVector(replica.doc);
}

// What `replica` has and one that has seen `vector` has not.
export function missing(replica, vector) {
  return Y.encodeStateAsUpdate(replica.doc, vector);
}

export function takeMissing(replica, bytes) {
  Y.applyUpdate(replica.doc, bytes);
}

export function* entries(replica) {
  yield* replica.map.entries();
}
