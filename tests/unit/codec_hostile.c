/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule of envelopes and of messages other than runs, broken once; and frames that try to make
 * a small number of bytes into a large amount of memory. T28, T30.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/message.h"
#include "crdt/vector.h"
#include "tests/unit/hostile.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- envelope ------------------------------------------------------------------------------ */

static void version_is_newer(Holm__Wire__Envelope *envelope)
{
    envelope->version = HOLM_WIRE_VERSION;
}

static void sender_is_nobody(Holm__Wire__Envelope *envelope)
{
    envelope->epoch = 0;
}

static void message_is_missing(Holm__Wire__Envelope *envelope)
{
    free(envelope->ping);
    envelope->message_case = HOLM__WIRE__ENVELOPE__MESSAGE__NOT_SET;
}

/* A field that is not known, on whatever message; freed with the message. */
static void add_unknown(ProtobufCMessage *message)
{
    ProtobufCMessageUnknownField *field = calloc(1, sizeof *field);
    assert_non_null(field);
    field->tag = 99;
    field->wire_type = PROTOBUF_C_WIRE_TYPE_VARINT;
    field->len = 1;
    field->data = calloc(1, 1);
    assert_non_null(field->data);
    message->n_unknown_fields = 1;
    message->unknown_fields = field;
}

static void message_is_newer(Holm__Wire__Envelope *envelope)
{
    message_is_missing(envelope);
    add_unknown(&envelope->base);
}

/* ---- beacon, goodbye ----------------------------------------------------------------------- */

static void partitions_repeat(Holm__Wire__Envelope *envelope)
{
    envelope->beacon->partitions[1] = envelope->beacon->partitions[0];
}

static void own_seqs_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->beacon->n_own_seqs -= 1;
}

static void hashes_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->beacon->n_vector_hashes -= 1;
}

static void digests_low_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->beacon->n_digests_low -= 1;
}

static void digests_high_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->beacon->n_digests_high -= 1;
}

static void few_entries(struct holm_codec_limits *limits)
{
    limits->beacon_entries_max = 2;
}

static void short_subscriptions(struct holm_codec_limits *limits)
{
    limits->subscription_bytes_max = 3;
}

/* ---- hello --------------------------------------------------------------------------------- */

static void self_is_missing(Holm__Wire__Envelope *envelope)
{
    envelope->hello->n_nodes = 0;
    envelope->hello->n_epochs = 0;
    envelope->hello->n_name_sizes = 0;
    envelope->hello->n_address_sizes = 0;
    envelope->hello->names.len = 0;
    envelope->hello->addresses.len = 0;
}

static void member_epochs_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->hello->n_epochs -= 1;
}

static void name_sizes_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->hello->n_name_sizes -= 1;
}

static void name_is_endless(Holm__Wire__Envelope *envelope)
{
    envelope->hello->name_sizes[0] = UINT32_MAX;
}

static void address_sizes_are_short(Holm__Wire__Envelope *envelope)
{
    envelope->hello->n_address_sizes -= 1;
}

static void left_is_short(Holm__Wire__Envelope *envelope)
{
    envelope->hello->n_left -= 1;
}

static void address_is_unclaimed(Holm__Wire__Envelope *envelope)
{
    envelope->hello->address_sizes[0] -= 1;
}

static void heard_without_answer(Holm__Wire__Envelope *envelope)
{
    envelope->hello->heard_epoch = 1;
}

static void hello_has_no_version(Holm__Wire__Envelope *envelope)
{
    envelope->hello->version = 0;
}

static void hello_has_no_partitions(Holm__Wire__Envelope *envelope)
{
    envelope->hello->partitions = 0;
}

static void hello_has_no_cluster(Holm__Wire__Envelope *envelope)
{
    envelope->hello->cluster.len = 0;
}

static void publisher_is_long(Holm__Wire__Envelope *envelope)
{
    ProtobufCBinaryData *publisher = &envelope->hello->publisher;
    free(publisher->data);
    publisher->data = calloc(129, 1);
    assert_non_null(publisher->data);
    publisher->len = 129;
}

static void few_members(struct holm_codec_limits *limits)
{
    limits->members_max = 1;
}

static void short_names(struct holm_codec_limits *limits)
{
    limits->name_bytes_max = 5;
}

static void short_addresses(struct holm_codec_limits *limits)
{
    limits->address_bytes_max = 18;
}

static void short_clusters(struct holm_codec_limits *limits)
{
    limits->cluster_bytes_max = 3;
}

/* ---- pull, sync ---------------------------------------------------------------------------- */

static void pull_names_a_node_twice(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->nodes[1] = envelope->pull->vector->nodes[0];
}

static void pull_names_an_epoch_twice(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->epochs[2] = 0;
}

static void pull_wraps(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->epochs[2] = UINT64_MAX;
}

static void pull_has_a_zero(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->seqs[2] = 0;
}

static void pull_begins_with_a_zero(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->seqs[0] = 0;
}

static void pull_is_folded(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->seqs[0] = HOLM_SEQ_FOLDED;
}

static void pull_is_a_sum(Holm__Wire__Envelope *envelope)
{
    envelope->pull->vector->epochs[0] = 0;
}

static void cut_ends_with_a_sum(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Vector *vector = envelope->sync_cut->vector;
    vector->epochs[vector->n_epochs - 1] = 0;
}

static void sync_open_is_folded(Holm__Wire__Envelope *envelope)
{
    envelope->sync_open->vector->seqs[0] = HOLM_SEQ_FOLDED;
}

static void cut_is_folded(Holm__Wire__Envelope *envelope)
{
    envelope->sync_cut->vector->seqs[0] = HOLM_SEQ_FOLDED;
}

static void vector_is_newer(Holm__Wire__Envelope *envelope)
{
    add_unknown(&envelope->sync_open->vector->base);
}

static void answer_is_missing(Holm__Wire__Envelope *envelope)
{
    envelope->sync_cut->answer = 0;
}

static void answer_is_newer(Holm__Wire__Envelope *envelope)
{
    envelope->sync_cut->answer = HOLM_CUT_GONE + 1;
}

static void page_is_missing(Holm__Wire__Envelope *envelope)
{
    holm__wire__cells__free_unpacked(envelope->sync_page->page, NULL);
    envelope->sync_page->page = NULL;
}

static void page_is_newer(Holm__Wire__Envelope *envelope)
{
    add_unknown(&envelope->sync_page->page->base);
}

static void page_is_a_run(Holm__Wire__Envelope *envelope)
{
    envelope->sync_page->page->first = 1;
}

static void page_has_a_drop(Holm__Wire__Envelope *envelope)
{
    envelope->sync_page->page->shapes[2] = HOLM_ITEM_DROP_SLOT + 16 * HOLM_SET;
}

static void page_has_a_zero(Holm__Wire__Envelope *envelope)
{
    envelope->sync_page->page->seqs[0] = 0;
}

static void page_has_no_such_actor(Holm__Wire__Envelope *envelope)
{
    envelope->sync_page->page->actors[1] = 3;
}

static void few_vector_entries(struct holm_codec_limits *limits)
{
    limits->vector_entries_max = 2;
}

static void few_pages(struct holm_codec_limits *limits)
{
    limits->cut_pages_max = 2;
}

static void few_page_items(struct holm_codec_limits *limits)
{
    limits->items_max = 4;
}

static void few_page_actors(struct holm_codec_limits *limits)
{
    limits->actors_max = 2;
}

static void few_deltas(struct holm_codec_limits *limits)
{
    limits->deltas_max = 1;
}

/* Two runs, of one actor each: limits are of the whole frame. */
static void few_actors_in_all(struct holm_codec_limits *limits)
{
    limits->actors_max = 1;
}

static const struct hostile cases[] = {
    {"a newer wire version", "ping", version_is_newer, NULL, HOLM_EVERSION},
    {"a sender without an epoch", "ping", sender_is_nobody, NULL, HOLM_EMALFORMED},
    {"no message", "ping", message_is_missing, NULL, HOLM_EMALFORMED},
    {"a newer message", "ping", message_is_newer, NULL, HOLM_EVERSION},
    {"a partition twice", "beacon", partitions_repeat, NULL, HOLM_EMALFORMED},
    {"too few own seqs", "beacon", own_seqs_are_short, NULL, HOLM_EMALFORMED},
    {"too few hashes", "beacon", hashes_are_short, NULL, HOLM_EMALFORMED},
    {"too few digests (low)", "beacon", digests_low_are_short, NULL, HOLM_EMALFORMED},
    {"too few digests (high)", "beacon", digests_high_are_short, NULL, HOLM_EMALFORMED},
    {"too many entries", "beacon", NULL, few_entries, HOLM_ETOOBIG},
    {"a long subscription", "goodbye", NULL, short_subscriptions, HOLM_ETOOBIG},
    {"a hello of nobody", "hello", self_is_missing, NULL, HOLM_EMALFORMED},
    {"too few epochs of members", "hello", member_epochs_are_short, NULL, HOLM_EMALFORMED},
    {"too few sizes of names", "hello", name_sizes_are_short, NULL, HOLM_EMALFORMED},
    {"a name that claims 4 GiB", "hello", name_is_endless, NULL, HOLM_EMALFORMED},
    {"too few sizes of addresses", "hello", address_sizes_are_short, NULL, HOLM_EMALFORMED},
    {"an address that no size claims", "hello", address_is_unclaimed, NULL, HOLM_EMALFORMED},
    {"too few who left", "hello_left", left_is_short, NULL, HOLM_EMALFORMED},
    {"heard, but no answer", "hello", heard_without_answer, NULL, HOLM_EMALFORMED},
    {"a hello without a version", "hello", hello_has_no_version, NULL, HOLM_EMALFORMED},
    {"a hello without partitions", "hello", hello_has_no_partitions, NULL, HOLM_EMALFORMED},
    {"a hello without a cluster", "hello", hello_has_no_cluster, NULL, HOLM_EMALFORMED},
    {"a long publisher", "hello", publisher_is_long, NULL, HOLM_ETOOBIG},
    {"too many members", "hello", NULL, few_members, HOLM_ETOOBIG},
    {"a long name", "hello", NULL, short_names, HOLM_ETOOBIG},
    {"a long address", "hello_answer", NULL, short_addresses, HOLM_ETOOBIG},
    {"a long cluster name", "hello", NULL, short_clusters, HOLM_ETOOBIG},
    {"a node twice in a pull", "pull", pull_names_a_node_twice, NULL, HOLM_EMALFORMED},
    {"an epoch twice in a pull", "pull", pull_names_an_epoch_twice, NULL, HOLM_EMALFORMED},
    {"epochs that wrap in a pull", "pull", pull_wraps, NULL, HOLM_EMALFORMED},
    {"a zero in a pull", "pull", pull_has_a_zero, NULL, HOLM_EMALFORMED},
    {"a zero first in a pull", "pull", pull_begins_with_a_zero, NULL, HOLM_EMALFORMED},
    {"a fold in a pull", "pull", pull_is_folded, NULL, HOLM_EMALFORMED},
    {"a fold in what a sync knows", "sync_open", sync_open_is_folded, NULL, HOLM_EMALFORMED},
    {"a fold in a cut's vector", "sync_cut", cut_is_folded, NULL, HOLM_EMALFORMED},
    {"a sum of nothing", "pull", pull_is_a_sum, NULL, HOLM_EMALFORMED},
    {"a sum of nothing in the end", "sync_cut", cut_ends_with_a_sum, NULL, HOLM_EMALFORMED},
    {"a long pull", "pull", NULL, few_vector_entries, HOLM_ETOOBIG},
    {"a newer vector", "sync_open", vector_is_newer, NULL, HOLM_EVERSION},
    {"no answer in a cut", "sync_cut", answer_is_missing, NULL, HOLM_EMALFORMED},
    {"a newer answer in a cut", "sync_cut", answer_is_newer, NULL, HOLM_EVERSION},
    {"too many pages", "sync_cut", NULL, few_pages, HOLM_ETOOBIG},
    {"no page", "sync_page", page_is_missing, NULL, HOLM_EMALFORMED},
    {"a newer page", "sync_page", page_is_newer, NULL, HOLM_EVERSION},
    {"a run for a page", "sync_page", page_is_a_run, NULL, HOLM_EMALFORMED},
    {"a removal in a page", "sync_page", page_has_a_drop, NULL, HOLM_EMALFORMED},
    {"a zero in a page", "sync_page", page_has_a_zero, NULL, HOLM_EMALFORMED},
    {"an unknown actor in a page", "sync_page", page_has_no_such_actor, NULL, HOLM_EMALFORMED},
    {"too many items in a page", "sync_page", NULL, few_page_items, HOLM_ETOOBIG},
    {"too many actors in a page", "sync_page", NULL, few_page_actors, HOLM_ETOOBIG},
    {"too many deltas", "deltas", NULL, few_deltas, HOLM_ETOOBIG},
    {"too many actors in all", "deltas", NULL, few_actors_in_all, HOLM_ETOOBIG},
};

static void test_codec_when_a_rule_of_messages_is_broken_then_the_frame_is_refused(void **state)
{
    hostile_refused(cases, COUNT(cases));
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void test_codec_when_bytes_are_no_envelope_then_they_are_refused(void **state)
{
    hostile_bytes_refused("nothing", holm_mem(NULL, 0), HOLM_EMALFORMED);
    hostile_bytes_refused("noise", holm_str("GET / HTTP/1.1\r\n\r\n"), HOLM_EMALFORMED);
    hostile_bytes_refused("a length without end",
                          holm_str("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                          HOLM_EMALFORMED);
    hostile_bytes_refused("a message of 4 GiB", holm_str("\x2a\xff\xff\xff\xff\x0f"),
                          HOLM_EMALFORMED);
}

/* A frame whose message is `bytes` again and again, as large as a frame may be. */
static void expect_bomb(const char *what, unsigned char field, struct holm_bytes bytes,
                        enum holm_status status)
{
    static const unsigned char head[] = {0x19, 1, 0, 0, 0, 0, 0, 0, 0};
    size_t size = (size_t)1 << 20;
    size_t body = (size - sizeof head - 4) / bytes.size * bytes.size;
    unsigned char *frame = malloc(size);
    assert_non_null(frame);
    memcpy(frame, head, sizeof head);
    size_t at = sizeof head;
    frame[at++] = (unsigned char)(field * 8 + 2);
    frame[at++] = (unsigned char)(body | 0x80);
    frame[at++] = (unsigned char)(body >> 7 | 0x80);
    frame[at++] = (unsigned char)(body >> 14);
    for (size_t i = 0; i < body; i++)
        frame[at++] = ((const unsigned char *)bytes.data)[i % bytes.size];
    hostile_bytes_refused(what, holm_mem(frame, at), status);
    free(frame);
}

/* T30: what would be hundreds of megabytes is refused, within 192 bytes of memory for each. */
static void test_codec_when_small_bytes_would_take_much_memory_then_they_are_refused(void **state)
{
    expect_bomb("empty deltas", 14, holm_mem("\x0a\x00", 2), HOLM_ETOOBIG);
    expect_bomb("deltas of nothing", 14, holm_mem("\x0a\x02\x08\x01", 4), HOLM_ETOOBIG);
    expect_bomb("unknown fields", 5, holm_mem("\xa0\x06\x01", 3), HOLM_ETOOBIG);
    expect_bomb("items of no size", 5, holm_mem("\x08\x01\x1a\x01\x00", 5), HOLM_ETOOBIG);
    expect_bomb("ranges of no size", 5, holm_mem("\x08\x01\x82\x01\x01\x00", 6), HOLM_ETOOBIG);
    expect_bomb("vectors again and again", 13, holm_mem("\x0a\x00", 2), HOLM_ETOOBIG);
    expect_bomb("members again and again", 7, holm_mem("\x62\x01\x00", 3), HOLM_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_when_a_rule_of_messages_is_broken_then_the_frame_is_refused),
        cmocka_unit_test(test_codec_when_bytes_are_no_envelope_then_they_are_refused),
        cmocka_unit_test(test_codec_when_small_bytes_would_take_much_memory_then_they_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
