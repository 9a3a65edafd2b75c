// SPDX-License-Identifier: Apache-2.0
// automerge, as peer.mjs drives it: a map from keys to numbers at the root of a document.
import * as A from "@automerge/automerge";

// Documents are values: a replica holds the present one.
export function make() {
  return { doc: A.init() };
}

export function put(replica, pairs) {
  replica.doc = A.change(replica.doc, (map) => {
    for (const [key, value] of pairs) map[key] = value;
  });
}

// What the last put() is to others.
export function lastUpdate(replica) {
  return A.getLastLocalChange(replica.doc);
}

export function apply(replica, update) {
  [replica.doc] = A.applyChanges(replica.doc, [update]);
}

export function whole(replica) {
  return A.save(replica.doc);
}

export function takeWhole(replica, bytes) {
  replica.doc = A.loadIncremental(replica.doc, bytes);
}

export function copy(replica) {
  return { doc: A.load(A.save(replica.doc)) };
}

export function seen(replica) {
  return A.getHeads(replica.doc);
}

// What `replica` has and one that has seen `heads` has not.
export function missing(replica, heads) {
  return A.saveSince(replica.doc, heads);
}

export function takeMissing(replica, bytes) {
  takeWhole(replica, bytes);
}

export function* entries(replica) {
  yield* Object.entries(replica.doc);
}
