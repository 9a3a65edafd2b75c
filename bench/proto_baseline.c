/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/proto_baseline.h"

#include <stdlib.h>

#include "proto/holm.pb-c.h"

void proto_baseline_frame(struct holm_bytes frame, struct measure_span *unpack,
                          struct measure_span *pack)
{
    unsigned char *packed = measure_allocate(frame.size);
    struct measure_span span = measure_begin();
    Holm__Wire__Envelope *envelope = holm__wire__envelope__unpack(NULL, frame.size, frame.data);
    measure_add(unpack, &span);
    measure_require(envelope != NULL, "protobuf-c reads the frame");
    span = measure_begin();
    size_t size = holm__wire__envelope__get_packed_size(envelope);
    measure_require(size == frame.size, "protobuf-c finds the same size");
    size = holm__wire__envelope__pack(envelope, packed);
    measure_add(pack, &span);
    measure_require(size == frame.size, "protobuf-c packs as much as it said");
    span = measure_begin();
    holm__wire__envelope__free_unpacked(envelope, NULL);
    measure_add(unpack, &span);
    free(packed);
}
