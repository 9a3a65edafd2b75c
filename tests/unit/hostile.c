/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/model/heap.h"
#include "tests/unit/messages.h"

static void expect(const char *what, struct holm_bytes frame,
                   const struct holm_codec_limits *limits, enum holm_status wanted)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_budget budget;
    holm_budget_init(&budget, &allocator, HOLM_CODEC_MEMORY_MAX(frame.size));
    struct holm_allocator budgeted = holm_budget_allocator(&budget);
    struct holm_decoded *decoded = NULL;
    enum holm_status status = holm_codec_decode(&budgeted, limits, frame, &decoded);
    if (status != wanted)
        fail_msg("%s: status %d, and not %d", what, (int)status, (int)wanted);
    if (budget.refusal != HOLM_OK)
        fail_msg("%s: takes more memory than was promised", what);
    assert_true((decoded != NULL) == (status == HOLM_OK));
    holm_decoded_free(decoded);
    assert_int_equal(heap.blocks, 0);
}

static Holm__Wire__Envelope *unpack_sample(const char *name)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_encoder encoder;
    struct sample sample;
    struct holm_bytes frame;
    size_t i = 0;
    while (i < sample_name_count && strcmp(sample_names[i].name, name) != 0)
        i++;
    assert_true(i < sample_name_count);
    holm_encoder_init(&encoder, &allocator, (size_t)1 << 20);
    sample_init(&sample, &allocator);
    sample_names[i].make(&sample);
    assert_int_equal(holm_encoder_encode(&encoder, &sample.message, &frame), HOLM_OK);
    Holm__Wire__Envelope *envelope = holm__wire__envelope__unpack(NULL, frame.size, frame.data);
    assert_non_null(envelope);
    sample_release(&sample);
    holm_encoder_release(&encoder);
    return envelope;
}

static void expect_packed(const char *what, const Holm__Wire__Envelope *envelope,
                          const struct holm_codec_limits *limits, enum holm_status wanted)
{
    size_t size = holm__wire__envelope__get_packed_size(envelope);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(holm__wire__envelope__pack(envelope, bytes), size);
    expect(what, holm_mem(bytes, size), limits, wanted);
    free(bytes);
}

void hostile_refused(const struct hostile *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct holm_codec_limits limits = holm_codec_limits_default(0);
        Holm__Wire__Envelope *envelope = unpack_sample(cases[i].sample);
        expect_packed(cases[i].sample, envelope, &limits, HOLM_OK);
        if (cases[i].envelope != NULL)
            cases[i].envelope(envelope);
        if (cases[i].limits != NULL)
            cases[i].limits(&limits);
        expect_packed(cases[i].what, envelope, &limits, cases[i].status);
        holm__wire__envelope__free_unpacked(envelope, NULL);
    }
}

void hostile_bytes_refused(const char *what, struct holm_bytes frame, enum holm_status status)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    expect(what, frame, &limits, status);
}
