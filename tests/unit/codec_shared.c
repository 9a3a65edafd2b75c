/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small runs that share columns: they say what they say alone, in fewer bytes; each rule of theirs broken
 * once; and what is dense in memory goes alone, or is refused. T28, T30.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/model/chance.h"
#include "tests/model/heap.h"
#include "tests/unit/hostile.h"
#include "tests/unit/messages.h"
#include "tests/unit/ways.h"

#define RUNS_MAX 24
#define RUNS_MANY 400 /* dense ones */
#define ITEMS_MAX 6
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct holm_actor people[] = {{{3}, {50}}, {{3}, {51}}, {{5}, {2}}, {{9}, {70}}};

struct shared {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct chance chance;
    struct holm_delta *runs[RUNS_MANY];
    struct holm_message message;
};

static void shared_init(struct shared *shared, uint64_t seed)
{
    memset(shared, 0, sizeof *shared);
    shared->allocator = heap_allocator(&shared->heap);
    shared->chance.state = seed;
    holm_encoder_init(&shared->encoder, &shared->allocator, (size_t)1 << 20);
    shared->message = (struct holm_message){.type = seed % 2 == 0 ? HOLM_MESSAGE_FEED
                                                                  : HOLM_MESSAGE_DELTAS,
                                            .shared = true,
                                            .partition = 3,
                                            .sender = people[1]};
}

static void release_runs(struct shared *shared)
{
    for (size_t i = 0; i < RUNS_MANY && shared->runs[i] != NULL; i++)
        holm_delta_release(shared->runs[i]);
}

static void shared_release(struct shared *shared)
{
    release_runs(shared);
    holm_encoder_release(&shared->encoder);
    assert_int_equal(shared->heap.blocks, 0);
}

static void set_runs(struct shared *shared, size_t count)
{
    if (shared->message.type == HOLM_MESSAGE_FEED)
        shared->message.as.feed = (struct holm_feed){
            .number = 9, .runs = shared->runs, .count = count};
    else
        shared->message.as.deltas = (struct holm_deltas){
            .deltas = shared->runs, .count = count, .now = {.partition = 3, .own_seq = 4}};
}

static struct holm_bytes encode(struct shared *shared, bool together)
{
    struct holm_bytes frame;
    struct holm_message message = shared->message;
    message.shared = together;
    assert_int_equal(holm_encoder_encode(&shared->encoder, &message, &frame), HOLM_OK);
    return frame;
}

/* ---- random runs --------------------------------------------------------------------------- */

static const char *const words[] = {"", "a", "hero:7", "hero:8",
                                    "a key that is longer than others"};
static const char *const paths[] = {"", "\x01p",
                                    "\x03"
                                    "bag",
                                    "\x03"
                                    "bag\x01p"};

static struct holm_bytes word(struct shared *shared, size_t least)
{
    return holm_str(words[least + chance_below(&shared->chance, COUNT(words) - least)]);
}

static struct holm_value value_of(struct shared *shared)
{
    switch (chance_below(&shared->chance, 6)) {
    case 0:
        return holm_i64((int64_t)chance_next(&shared->chance) >> chance_below(&shared->chance, 60));
    case 1:
        return holm_double((double)chance_below(&shared->chance, 3));
    case 2:
        return holm_bool(chance_below(&shared->chance, 2) == 1);
    case 3:
        return (struct holm_value){.type = HOLM_NONE};
    default:
        return holm_text(words[chance_below(&shared->chance, COUNT(words))]);
    }
}

static void draw_item(struct shared *shared, struct sample_items *made, struct holm_seen *seen,
                      struct holm_item *item, uint64_t seq)
{
    static const uint8_t ops[] = {HOLM_ITEM_PUT,       HOLM_ITEM_PUT,       HOLM_ITEM_PUT,
                                  HOLM_ITEM_DROP_SLOT, HOLM_ITEM_DROP_PATH, HOLM_ITEM_BURY,
                                  HOLM_ITEM_COUNT};
    struct chance *chance = &shared->chance;
    *item = (struct holm_item){.op = ops[chance_below(chance, sizeof ops)],
                               .key = word(shared, 1),
                               .path = holm_str(paths[chance_below(chance, COUNT(paths))])};
    if (item->op == HOLM_ITEM_PUT || item->op == HOLM_ITEM_BURY)
        item->seq = seq;
    if (item->op == HOLM_ITEM_BURY) {
        item->path = holm_mem(NULL, 0);
        return;
    }
    if (item->op == HOLM_ITEM_COUNT) {
        item->kind = HOLM_COUNTER;
        item->actor = (uint32_t)chance_below(chance, made->actor_count);
        item->count = (struct holm_count){.start = 1, .last = 1 + chance_below(chance, seq)};
        item->count.sum = (int64_t)chance_below(chance, 1000) - 500;
        return;
    }
    if (item->op != HOLM_ITEM_DROP_PATH)
        item->kind = chance_below(chance, 2) == 0 ? HOLM_SET : HOLM_REGISTER;
    if (item->kind == HOLM_SET)
        item->sub = word(shared, 0);
    if (item->op == HOLM_ITEM_PUT) {
        item->hlc = 50 + chance_below(chance, 1u << 20);
        item->value = value_of(shared);
    }
    item->seen_first = (uint32_t)made->seen_count;
    item->seen_count = (uint32_t)chance_below(chance, 3);
    for (uint32_t i = 0; i < item->seen_count; i++) {
        uint64_t last = 1 + chance_below(chance, 9);
        seen[made->seen_count++] = (struct holm_seen){
            (uint32_t)chance_below(chance, made->actor_count), last - chance_below(chance, last),
            last};
    }
}

/* A run of a few items, by one of the people, who may speak of those behind him. */
static struct holm_delta *draw_run(struct shared *shared, uint64_t first)
{
    static const struct holm_dot collected[] = {{{{3}, {50}}, 2}, {{{5}, {2}}, 9}};
    struct chance *chance = &shared->chance;
    size_t own = chance_below(chance, COUNT(people));
    struct holm_item items[ITEMS_MAX];
    struct holm_seen seen[2 * ITEMS_MAX];
    struct sample_items made = {
        people + own, 1 + chance_below(chance, COUNT(people) - own), items, 0, seen, 0};
    uint64_t count = chance_below(chance, ITEMS_MAX);
    for (uint64_t i = 0; i < count; i++)
        draw_item(shared, &made, seen, &items[made.item_count++], first + i);
    struct holm_vector_view none = {NULL, 0};
    struct holm_vector_view folded = {collected, chance_permille(chance, 900) ? 2 : 1};
    bool newer = chance_permille(chance, 30);
    return sample_delta(&shared->allocator, first, first + count + chance_below(chance, 2), &made,
                        none, shared->chance.state % 3 == 0 ? none : folded,
                        newer ? holm_str("\xa0\x06\x05") : holm_mem(NULL, 0));
}

static void draw(struct shared *shared)
{
    size_t count = 1 + chance_below(&shared->chance, RUNS_MAX);
    uint64_t first = 10;
    for (size_t i = 0; i < count; i++) {
        shared->runs[i] = draw_run(shared, first);
        first += chance_permille(&shared->chance, 500) ? 7 : chance_below(&shared->chance, 100000);
    }
    set_runs(shared, count);
}

/* ---- as alone ------------------------------------------------------------------------------ */

static bool agree(struct shared *shared, struct holm_bytes frame, enum holm_status *status)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    bool plain = false;
    const char *why = ways_differ(&shared->allocator, &limits, frame, &plain, status);
    if (why != NULL)
        fail_msg("the two ways differ: %s", why);
    return plain;
}

static void check_round(struct shared *shared)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    enum holm_status status = HOLM_OK;
    struct holm_bytes frame = encode(shared, true);
    assert_true(agree(shared, frame, &status));
    assert_true(ways_write_alike(&shared->allocator, &shared->message, frame));
    unsigned char *kept = malloc(frame.size);
    assert_non_null(kept);
    memcpy(kept, frame.data, frame.size);
    assert_int_equal(holm_codec_decode(&shared->allocator, &limits, frame, &decoded), HOLM_OK);
    memset(shared->encoder.frame, 0xee, frame.size); /* nothing decoded may point there */
    const char *why = messages_differ(&shared->message, &decoded->message);
    if (why != NULL)
        fail_msg("together they say something else: %s", why);
    struct holm_bytes again;
    assert_int_equal(holm_encoder_encode(&shared->encoder, &decoded->message, &again), HOLM_OK);
    assert_true(holm_bytes_equal(again, holm_mem(kept, frame.size)));
    holm_decoded_free(decoded);
    free(kept);
}

static void test_codec_shared_when_runs_are_small_then_they_say_what_they_say_alone(void **state)
{
    size_t together = 0, alone = 0;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct shared shared;
        shared_init(&shared, seed);
        draw(&shared);
        check_round(&shared);
        together += encode(&shared, true).size;
        alone += encode(&shared, false).size;
        shared_release(&shared);
    }
    assert_true(together * 10 < alone * 9);
}

static void test_codec_shared_when_bytes_are_changed_then_both_ways_agree(void **state)
{
    size_t accepted = 0, refused = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct shared shared;
        enum holm_status status = HOLM_OK;
        shared_init(&shared, seed);
        draw(&shared);
        struct holm_bytes frame = encode(&shared, true);
        for (size_t i = 0; i < 40; i++) {
            unsigned char *bytes = malloc(frame.size);
            assert_non_null(bytes);
            memcpy(bytes, frame.data, frame.size);
            for (uint64_t n = 1 + chance_below(&shared.chance, 2); n > 0; n--)
                bytes[chance_below(&shared.chance, frame.size)] ^=
                    (unsigned char)(1u << chance_below(&shared.chance, 8));
            size_t size = frame.size - (i % 8 == 0 ? chance_below(&shared.chance, frame.size) : 0);
            (void)agree(&shared, holm_mem(bytes, size), &status);
            accepted += status == HOLM_OK;
            refused += status != HOLM_OK;
            free(bytes);
        }
        shared_release(&shared);
    }
    assert_true(accepted > 500 && refused > 5000);
}

static void test_codec_shared_when_memory_runs_out_then_nothing_is_left(void **state)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct shared shared;
    shared_init(&shared, 8);
    draw(&shared);
    struct holm_bytes frame = encode(&shared, true);
    enum holm_status status = HOLM_ENOMEM;
    for (uint64_t n = 1; status == HOLM_ENOMEM; n++) {
        struct heap heap = {.fail_at = n};
        struct holm_allocator allocator = heap_allocator(&heap);
        struct holm_decoded *decoded = NULL;
        status = holm_codec_decode(&allocator, &limits, frame, &decoded);
        holm_decoded_free(decoded);
        assert_int_equal(heap.blocks, 0);
    }
    assert_int_equal(status, HOLM_OK);
    shared_release(&shared);
}

/* ---- dense runs ---------------------------------------------------------------------------- */

/* Runs that have nothing but one key and one path: alone each says them again, and once read it has them again. */
static void fill_dense(struct shared *shared, size_t count, size_t key_bytes, size_t names)
{
    static char key[1025], path[4 * 256 + 1];
    struct holm_vector_view none = {NULL, 0};
    memset(key, 'k', key_bytes);
    key[key_bytes] = '\0';
    memset(path, 'p', sizeof path);
    for (size_t i = 0; i < names; i++)
        path[i * 256] = '\xff';
    for (uint64_t i = 0; i < count; i++) {
        struct holm_item item = {.op = HOLM_ITEM_COUNT,
                                 .kind = HOLM_COUNTER,
                                 .key = holm_str(key),
                                 .path = holm_mem(path, names * 256),
                                 .count = {.start = 1, .last = i + 1, .sum = 1}};
        struct sample_items made = {people, 1, &item, 1, NULL, 0};
        shared->runs[i] = sample_delta(&shared->allocator, i + 1, i + 1, &made, none, none,
                                       holm_mem(NULL, 0));
    }
    set_runs(shared, count);
}

static void test_codec_shared_when_runs_would_be_dense_then_they_go_alone(void **state)
{
    static const struct {
        size_t runs, key_bytes, names;
        bool dense;
    } cases[] = {{RUNS_MAX, 8, 0, false}, {RUNS_MAX, 1024, 4, false}, {RUNS_MANY, 1024, 4, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shared shared;
        shared_init(&shared, i);
        fill_dense(&shared, cases[i].runs, cases[i].key_bytes, cases[i].names);
        size_t together = encode(&shared, true).size;
        size_t alone = encode(&shared, false).size;
        if (cases[i].dense)
            assert_int_equal(together, alone);
        else
            assert_true(together * 2 < alone);
        check_round(&shared);
        shared_release(&shared);
    }
}

/* ---- broken -------------------------------------------------------------------------------- */

/* Changes the runs of the envelope's feed. */
static void change(Holm__Wire__Envelope *envelope, void (*how)(Holm__Wire__Cells *cells))
{
    ProtobufCBinaryData *packed = &envelope->feed->runs[0];
    Holm__Wire__Cells *cells = holm__wire__cells__unpack(NULL, packed->len, packed->data);
    assert_non_null(cells);
    assert_int_equal(cells->n_run_firsts, 3);
    how(cells);
    free(packed->data);
    packed->len = holm__wire__cells__get_packed_size(cells);
    packed->data = malloc(packed->len);
    assert_non_null(packed->data);
    holm__wire__cells__pack(cells, packed->data);
    holm__wire__cells__free_unpacked(cells, NULL);
}

#define CASE(name, statement)                                                                      \
    static void name##_in(Holm__Wire__Cells *cells)                                                \
    {                                                                                              \
        statement;                                                                                 \
    }                                                                                              \
    static void name(Holm__Wire__Envelope *envelope)                                               \
    {                                                                                              \
        change(envelope, name##_in);                                                               \
    }

CASE(a_run_is_missing, cells->n_run_firsts = 2)
CASE(items_are_too_many, cells->run_items[1] = 3)
CASE(items_are_too_few, cells->run_items[1] = 0)
CASE(items_are_beyond_count, cells->run_items[1] = UINT32_MAX)
CASE(items_lack_an_entry, cells->n_run_items = 2)
CASE(a_writer_is_not_listed, cells->run_actors[2] = 3)
CASE(writers_lack_an_entry, cells->n_run_actors = 2)
CASE(spans_lack_an_entry, cells->n_run_spans = 2)
CASE(a_span_wraps, cells->run_spans[2] = UINT64_MAX - 76)
CASE(others_are_too_many, cells->run_others[1] = 2)
CASE(others_are_beyond_count, cells->run_others[1] = UINT32_MAX)
CASE(others_are_missing, cells->n_others = 0)
CASE(another_is_not_listed, cells->others[0] = 3)
CASE(another_is_the_writer, cells->others[0] = cells->run_actors[1])
CASE(a_run_begins_at_none, cells->run_firsts[0] = UINT64_MAX)
CASE(a_number_is_of_one_run, cells->first = 1)
CASE(a_writer_is_of_one_run, cells->epoch = 1)
CASE(a_key_is_missing, cells->key_sizes[0] = 0)
CASE(an_element_is_missing, cells->sub_sizes[0] = 0)
CASE(a_seen_range_is_missing, cells->n_seen_lasts = 0)
CASE(a_path_is_not_listed, cells->paths[0] = 9)
CASE(the_table_is_unsorted, cells->epochs[1] = 0)
CASE(columns_are_of_runs_that_are_not, cells->n_run_firsts = 0)

static void a_field_is_newer_in(Holm__Wire__Cells *cells)
{
    ProtobufCMessageUnknownField *field = calloc(1, sizeof *field);
    assert_non_null(field);
    *field = (ProtobufCMessageUnknownField){99, PROTOBUF_C_WIRE_TYPE_VARINT, 1, calloc(1, 1)};
    assert_non_null(field->data);
    cells->base.n_unknown_fields = 1;
    cells->base.unknown_fields = field;
}

static void a_field_is_newer(Holm__Wire__Envelope *envelope)
{
    change(envelope, a_field_is_newer_in);
}

/* A page has no runs. */
static void a_page_has_runs(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->sync_page->page;
    cells->n_others = 1;
    cells->others = calloc(1, sizeof *cells->others);
    assert_non_null(cells->others);
}

static void few_runs(struct holm_codec_limits *limits)
{
    limits->deltas_max = 2;
}

static void few_items(struct holm_codec_limits *limits)
{
    limits->items_max = 2;
}

static void few_actors(struct holm_codec_limits *limits)
{
    limits->actors_max = 3;
}

static void few_entries(struct holm_codec_limits *limits)
{
    limits->vector_entries_max = 2;
}

#define BROKEN(name)                                                                               \
    {                                                                                              \
#name, "feed_shared", name, NULL, HOLM_EMALFORMED                                          \
    }
#define LIMITED(name)                                                                              \
    {                                                                                              \
#name, "feed_shared", NULL, name, HOLM_ETOOBIG                                             \
    }

static void test_codec_shared_when_a_rule_is_broken_then_it_is_refused(void **state)
{
    static const struct hostile cases[] = {
        BROKEN(a_run_is_missing),
        BROKEN(items_are_too_many),
        BROKEN(items_are_too_few),
        BROKEN(items_are_beyond_count),
        BROKEN(items_lack_an_entry),
        BROKEN(a_writer_is_not_listed),
        BROKEN(writers_lack_an_entry),
        BROKEN(spans_lack_an_entry),
        BROKEN(a_span_wraps),
        BROKEN(others_are_too_many),
        BROKEN(others_are_beyond_count),
        BROKEN(others_are_missing),
        BROKEN(another_is_not_listed),
        BROKEN(another_is_the_writer),
        BROKEN(a_run_begins_at_none),
        BROKEN(a_number_is_of_one_run),
        BROKEN(a_writer_is_of_one_run),
        BROKEN(a_key_is_missing),
        BROKEN(an_element_is_missing),
        BROKEN(a_seen_range_is_missing),
        BROKEN(a_path_is_not_listed),
        BROKEN(the_table_is_unsorted),
        BROKEN(columns_are_of_runs_that_are_not),
        {"a_field_is_newer", "feed_shared", a_field_is_newer, NULL, HOLM_EVERSION},
        {"a_page_has_runs", "sync_page", a_page_has_runs, NULL, HOLM_EMALFORMED},
        LIMITED(few_runs),
        LIMITED(few_items),
        LIMITED(few_actors),
        LIMITED(few_entries),
    };
    hostile_refused(cases, COUNT(cases));
}

/* Many runs of a long key that is said once. Each alone would be honest. */
static void bloat(Holm__Wire__Cells *cells, size_t runs, size_t key_bytes)
{
    static uint64_t firsts[4096];
    static uint32_t sizes[4096];
    static uint8_t key[1024];
    static uint64_t chains[] = {0};
    static int64_t sums[] = {1};
    static uint32_t shapes[] = {HOLM_ITEM_COUNT + 16 * HOLM_COUNTER};
    assert_true(runs <= COUNT(firsts) && key_bytes <= sizeof key);
    memset(key, 'k', sizeof key);
    sizes[0] = (uint32_t)key_bytes;
    holm__wire__cells__init(cells);
    cells->n_run_firsts = cells->n_key_sizes = runs;
    cells->run_firsts = firsts;
    cells->key_sizes = sizes;
    cells->keys = (ProtobufCBinaryData){key_bytes, key};
    cells->n_shapes = cells->n_chains = cells->n_sums = 1;
    cells->shapes = shapes;
    cells->chains = chains;
    cells->sums = sums;
}

static void expect_bloated(size_t runs, size_t key_bytes, enum holm_status status)
{
    static unsigned char packed[1 << 16], frame[1 << 16];
    Holm__Wire__Cells cells;
    bloat(&cells, runs, key_bytes);
    ProtobufCBinaryData part = {holm__wire__cells__get_packed_size(&cells), packed};
    assert_true(part.len <= sizeof packed);
    holm__wire__cells__pack(&cells, packed);
    Holm__Wire__Feed feed = HOLM__WIRE__FEED__INIT;
    feed.number = 1;
    feed.n_runs = 1;
    feed.runs = &part;
    Holm__Wire__Envelope envelope = HOLM__WIRE__ENVELOPE__INIT;
    envelope.node = envelope.epoch = 1;
    envelope.message_case = HOLM__WIRE__ENVELOPE__MESSAGE_FEED;
    envelope.feed = &feed;
    size_t size = holm__wire__envelope__pack(&envelope, frame);
    hostile_bytes_refused("bloated", holm_mem(frame, size), status);
}

static void test_codec_shared_when_few_bytes_would_take_much_memory_then_refused(void **state)
{
    expect_bloated(2, 1024, HOLM_OK);
    expect_bloated(1000, 1024, HOLM_EMALFORMED);
    expect_bloated(4096, 1024, HOLM_EMALFORMED);
    expect_bloated(4096, 1, HOLM_EMALFORMED); /* two bytes a run, however short its key */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_shared_when_runs_are_small_then_they_say_what_they_say_alone),
        cmocka_unit_test(test_codec_shared_when_bytes_are_changed_then_both_ways_agree),
        cmocka_unit_test(test_codec_shared_when_memory_runs_out_then_nothing_is_left),
        cmocka_unit_test(test_codec_shared_when_runs_would_be_dense_then_they_go_alone),
        cmocka_unit_test(test_codec_shared_when_a_rule_is_broken_then_it_is_refused),
        cmocka_unit_test(test_codec_shared_when_few_bytes_would_take_much_memory_then_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
