/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of fixed messages are kept in golden/NAME.txt as hex, so that the wire format cannot
 * change by accident: what was written once must be read for ever.
 *
 *     test_unit_codec_golden --write DIRECTORY       writes NAME.txt anew, after a wanted change
 *     test_unit_codec_golden --corpus DIRECTORY      writes NAME as bytes, for tests/fuzz/corpus
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "tests/model/heap.h"
#include "tests/unit/messages.h"

#define FRAME_BYTES_MAX ((size_t)1 << 20)
#define HEX_BYTES_A_LINE 32

struct golden {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct sample sample;
    struct holm_bytes frame; /* of the sample */
};

static void golden_init(struct golden *golden, const struct sample_name *name)
{
    memset(golden, 0, sizeof *golden);
    golden->allocator = heap_allocator(&golden->heap);
    holm_encoder_init(&golden->encoder, &golden->allocator, FRAME_BYTES_MAX);
    sample_init(&golden->sample, &golden->allocator);
    name->make(&golden->sample);
    if (holm_encoder_encode(&golden->encoder, &golden->sample.message, &golden->frame) != HOLM_OK)
        abort();
}

static void golden_release(struct golden *golden)
{
    sample_release(&golden->sample);
    holm_encoder_release(&golden->encoder);
    assert_int_equal(golden->heap.blocks, 0);
}

static FILE *open_file(const char *directory, const char *name, const char *suffix,
                       const char *mode)
{
    char path[512];
    int length = snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
    FILE *file = length < (int)sizeof path ? fopen(path, mode) : NULL;
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(1);
    }
    return file;
}

/* The bytes of a kept file; its lines that begin with # are remarks. */
static struct holm_bytes read_golden(const char *name, unsigned char *bytes, size_t capacity)
{
    FILE *file = open_file(HOLM_SOURCE_DIR "/tests/unit/golden", name, ".txt", "r");
    char line[512];
    size_t size = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned byte = 0;
        int used = 0;
        for (const char *at = line; *at != '#' && sscanf(at, "%2x%n", &byte, &used) == 1;
             at += used) {
            assert_true(size < capacity);
            bytes[size++] = (unsigned char)byte;
        }
    }
    fclose(file);
    return holm_mem(bytes, size);
}

static void test_codec_when_fixed_messages_are_encoded_then_their_bytes_are_as_kept(void **state)
{
    for (size_t i = 0; i < sample_name_count; i++) {
        static unsigned char bytes[4096];
        struct golden golden;
        golden_init(&golden, &sample_names[i]);
        struct holm_bytes kept = read_golden(sample_names[i].name, bytes, sizeof bytes);
        if (!holm_bytes_equal(kept, golden.frame))
            fail_msg("%s is encoded otherwise than it was", sample_names[i].name);
        golden_release(&golden);
    }
}

static void test_codec_when_kept_bytes_are_decoded_then_they_say_the_same(void **state)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    for (size_t i = 0; i < sample_name_count; i++) {
        static unsigned char bytes[4096];
        struct golden golden;
        struct holm_decoded *decoded = NULL;
        golden_init(&golden, &sample_names[i]);
        struct holm_bytes kept = read_golden(sample_names[i].name, bytes, sizeof bytes);
        assert_int_equal(holm_codec_decode(&golden.allocator, &limits, kept, &decoded), HOLM_OK);
        const char *why = messages_differ(&golden.sample.message, &decoded->message);
        if (why != NULL)
            fail_msg("%s is read otherwise than it was: %s", sample_names[i].name, why);
        holm_decoded_free(decoded);
        golden_release(&golden);
    }
}

/* ---- keeping ------------------------------------------------------------------------------- */

static void write_golden(const char *directory, const struct sample_name *name)
{
    struct golden golden;
    golden_init(&golden, name);
    FILE *file = open_file(directory, name->name, ".txt", "w");
    const unsigned char *bytes = golden.frame.data;
    fprintf(file, "# %s, %zu bytes\n", name->name, golden.frame.size);
    for (size_t i = 0; i < golden.frame.size; i++)
        fprintf(file, "%02x%c", bytes[i],
                (i + 1) % HEX_BYTES_A_LINE == 0 || i + 1 == golden.frame.size ? '\n' : ' ');
    fclose(file);
    golden_release(&golden);
}

static void write_corpus(const char *directory, const struct sample_name *name)
{
    struct golden golden;
    golden_init(&golden, name);
    FILE *file = open_file(directory, name->name, "", "wb");
    if (fwrite(golden.frame.data, 1, golden.frame.size, file) != golden.frame.size)
        exit(1);
    fclose(file);
    golden_release(&golden);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_when_fixed_messages_are_encoded_then_their_bytes_are_as_kept),
        cmocka_unit_test(test_codec_when_kept_bytes_are_decoded_then_they_say_the_same),
    };
    if (argc == 3) {
        bool corpus = strcmp(argv[1], "--corpus") == 0;
        for (size_t i = 0; i < sample_name_count; i++)
            (corpus ? write_corpus : write_golden)(argv[2], &sample_names[i]);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
