/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two states reconcile, and the bytes say what comes between: frames of their own for either side, honest
 * frames with bytes or members changed, honest frames lost. Each role must answer with a status, take no
 * more memory than it may, and finish soundly what it finishes.
 *
 *     input     a sequence of steps: one byte what, one byte how much, then as many bytes
 */
#include "crdt/reconcile.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/codec.h"
#include "tests/unit/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAME_BYTES_MAX ((size_t)4096)
#define MEMORY_BYTES_MAX ((size_t)16 << 20)
#define SHAPES 3

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "reconcile: %s\n", what);
        abort();
    }
}

/* The two states, of three shapes: small, compared in levels, and with chosen keys. Made once. */
struct shape {
    struct plain a, b;
    const struct holm_reconcile_source *cut, *own;
};

static struct heap shapes_heap;

static void shape_make(struct shape *shape, unsigned number)
{
    static const uint64_t records[SHAPES] = {6, 700, 300};
    enum plain_spread spread = number == 2 ? PLAIN_CHOSEN : PLAIN_EVEN;
    plain_init(&shape->a, &shapes_heap, number, spread);
    plain_init(&shape->b, &shapes_heap, number == 1 ? 2 : 1, spread);
    plain_fill(&shape->a, 0, records[number], 8);
    plain_increment(&shape->a, 0, "counter", 20);
    plain_merge(&shape->b, &shape->a);
    plain_reset(&shape->a, 1, "counter");
    plain_put(&shape->a, 1, "fill00000001", holm_str("a"));
    plain_drop(&shape->a, 1, "fill00000002");
    plain_bury(&shape->a, 1, "fill00000003");
    plain_put(&shape->b, 2, "fill00000004", holm_str("b"));
    plain_increment(&shape->b, 2, "counter", 3);
    shape->cut = plain_freeze(&shape->a);
    shape->own = plain_freeze(&shape->b);
}

struct play {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_codec_limits limits;
    const struct shape *shape;
    struct holm_reconcile_server server;
    struct holm_reconcile_receiver *receiver;
    struct holm_encoder encoder;
    bool honest; /* so far */
};

/* One step's bytes. */
struct bytes {
    const uint8_t *at;
    size_t left;
};

static uint8_t next_byte(struct bytes *bytes)
{
    if (bytes->left == 0)
        return 0;
    bytes->left -= 1;
    return *bytes->at++;
}

static void play_open(struct play *play, const struct shape *shape)
{
    memset(play, 0, sizeof *play);
    play->allocator = heap_allocator(&play->heap);
    play->limits = holm_codec_limits_default(FRAME_BYTES_MAX);
    play->shape = shape;
    play->honest = true;
    struct holm_reconcile_config config = holm_reconcile_config_default(FRAME_BYTES_MAX);
    config.hop_bytes = 512;
    config.staged_bytes_max = (size_t)1 << 20;
    const struct holm_reconcile_source *cut = shape->cut, *own = shape->own;
    struct holm_reconcile_cut told = {cut->vector, holm_tree_total(cut->tree), cut->entries};
    holm_encoder_init(&play->encoder, &play->allocator, FRAME_BYTES_MAX);
    holm_reconcile_server_init(&play->server, &play->allocator, &config, cut, own->vector);
    require(holm_reconcile_receiver_new(&play->allocator, &config, own, &told, &play->receiver) ==
                HOLM_OK,
            "a receiver");
}

static void play_close(struct play *play)
{
    holm_reconcile_receiver_free(play->receiver);
    holm_reconcile_server_release(&play->server);
    holm_encoder_release(&play->encoder);
    require(play->heap.blocks == 0, "memory is left behind");
}

static struct holm_decoded *carry(struct play *play, const struct holm_message *message,
                                  struct bytes *changes)
{
    static uint8_t copy[FRAME_BYTES_MAX];
    struct holm_bytes frame;
    struct holm_decoded *decoded = NULL;
    require(holm_encoder_encode(&play->encoder, message, &frame) == HOLM_OK,
            "an own message is larger than a frame");
    memcpy(copy, frame.data, frame.size);
    while (changes->left >= 3) {
        size_t at = next_byte(changes);
        at = (at * 256 + next_byte(changes)) % frame.size;
        uint8_t change = next_byte(changes);
        copy[at] ^= change;
        play->honest = play->honest && change == 0;
    }
    enum holm_status status = holm_codec_decode(&play->allocator, &play->limits,
                                                holm_mem(copy, frame.size), &decoded);
    require(!play->honest || status == HOLM_OK, "an own message cannot be read");
    return decoded;
}

static void take(struct play *play, const struct holm_sync_tell *tell)
{
    uint64_t staged = holm_reconcile_figures(play->receiver).staged;
    enum holm_status status = holm_reconcile_take(play->receiver, tell);
    require(!play->honest || status == HOLM_OK, "an honest tell is refused");
    require(status == HOLM_OK || status == HOLM_EMALFORMED || status == HOLM_ELIMIT,
            "a status that taking does not have");
    if (status != HOLM_OK) {
        require(holm_reconcile_outcome(play->receiver) == HOLM_RECONCILE_RUNNING,
                "refused, and not running");
        require(holm_reconcile_figures(play->receiver).staged == staged,
                "refused, and staged all the same");
    }
}

/* Gives any message to the role that it is for. */
static void deliver(struct play *play, const struct holm_message *message)
{
    struct holm_sync_tell tell;
    if (message->type == HOLM_MESSAGE_SYNC_ASK) {
        enum holm_status status = holm_reconcile_answer(&play->server, &message->as.sync_ask,
                                                        &tell);
        require(status == HOLM_OK || status == HOLM_EMALFORMED,
                "a status that answering does not have");
    } else if (message->type == HOLM_MESSAGE_SYNC_TELL) {
        take(play, &message->as.sync_tell);
    }
}

static void step_frame(struct play *play, struct bytes *bytes)
{
    struct holm_decoded *decoded = NULL;
    enum holm_status status = holm_codec_decode(&play->allocator, &play->limits,
                                                holm_mem(bytes->at, bytes->left), &decoded);
    if (status != HOLM_OK)
        return;
    play->honest = play->honest && decoded->message.type != HOLM_MESSAGE_SYNC_TELL;
    deliver(play, &decoded->message);
    holm_decoded_free(decoded);
}

static uint64_t number(struct bytes *bytes)
{
    uint64_t number = 0;
    for (unsigned i = next_byte(bytes) % 9; i > 0; i--)
        number = number << 8 | next_byte(bytes);
    return number;
}

/* Changes a member of an honest tell, which a codec would carry as it is. */
static void change_tell(struct holm_sync_tell *tell, struct holm_sync_branch branches[64],
                        struct bytes *bytes)
{
    uint8_t what = next_byte(bytes);
    uint64_t value = number(bytes);
    if (what % 8 == 0)
        tell->branches_done = (uint32_t)value;
    if (what % 8 == 1)
        tell->lists_done = (uint32_t)value;
    if (what % 8 == 2)
        tell->through.seq = value;
    if (what % 8 == 3)
        tell->has_through = !tell->has_through;
    if (what % 8 == 4)
        tell->sum.low ^= value;
    if (what % 8 == 5)
        tell->page = NULL;
    if (what % 8 == 6)
        tell->gone_count = 0;
    if (what % 8 == 7 && tell->branch_count > 0 && tell->branch_count <= 64) {
        memcpy(branches, tell->branches, tell->branch_count * sizeof *branches);
        branches[what / 8 % tell->branch_count].index = value;
        tell->branches = branches;
    }
}

/* The receiver asks, the server answers; on the way frames are changed, or members of the tell. */
static void step_exchange(struct play *play, struct bytes *bytes, unsigned what)
{
    const struct holm_sync_ask *ask;
    struct bytes none = {NULL, 0};
    require(holm_reconcile_ask(play->receiver, &ask) == HOLM_OK, "no ask");
    if (ask == NULL)
        return;
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_ASK, .sender = actor_of(1, 1)};
    message.as.sync_ask = *ask;
    struct holm_decoded *asked = carry(play, &message, what == 1 ? bytes : &none);
    struct holm_sync_tell tell;
    if (asked == NULL || asked->message.type != HOLM_MESSAGE_SYNC_ASK ||
        holm_reconcile_answer(&play->server, &asked->message.as.sync_ask, &tell) != HOLM_OK) {
        require(!play->honest, "an honest ask is refused");
        holm_decoded_free(asked);
        return;
    }
    struct holm_sync_branch branches[64];
    if (what == 3) {
        play->honest = false;
        change_tell(&tell, branches, bytes);
        if (holm_sync_tell_check(&tell) == HOLM_OK)
            take(play, &tell);
    } else {
        message.type = HOLM_MESSAGE_SYNC_TELL;
        message.as.sync_tell = tell;
        struct holm_decoded *told = carry(play, &message, what == 2 ? bytes : &none);
        if (told != NULL)
            deliver(play, &told->message);
        holm_decoded_free(told);
    }
    holm_decoded_free(asked);
}

static void step(struct play *play, struct bytes *bytes)
{
    unsigned what = next_byte(bytes) % 6;
    struct bytes piece = {NULL, next_byte(bytes)};
    if (piece.left > bytes->left)
        piece.left = bytes->left;
    piece.at = bytes->at;
    bytes->at += piece.left;
    bytes->left -= piece.left;
    if (what < 4)
        step_exchange(play, &piece, what);
    else if (what == 4)
        step_frame(play, &piece);
    else
        require(holm_reconcile_resend(play->receiver) == HOLM_OK, "nothing can be asked again");
    require(play->heap.bytes < MEMORY_BYTES_MAX, "more memory than it may take");
}

/* What came to an end must be sound; if nobody lied, it must be the merge's: a cell, a tombstone and
 * a counter entry come, and of the own the written, the dropped and the buried cells go. */
static void check_end(const struct play *play)
{
    enum holm_reconcile_outcome outcome = holm_reconcile_outcome(play->receiver);
    if (outcome != HOLM_RECONCILE_DONE) {
        require(!play->honest || outcome == HOLM_RECONCILE_RUNNING,
                "an honest pair does not agree");
        return;
    }
    struct holm_reconcile_result result = holm_reconcile_result(play->receiver);
    uint64_t items = 0, drops = 0;
    for (size_t i = 0; i < result.page_count; i++) {
        require(holm_page_check(result.pages[i]) == HOLM_OK, "a page that is not sound");
        items += result.pages[i]->items.item_count;
    }
    for (size_t i = 0; i < result.drop_count; i++) {
        require(holm_page_check(result.drops[i]) == HOLM_OK, "drops that are not sound");
        drops += result.drops[i]->items.item_count;
    }
    require(items <= play->shape->cut->entries && drops <= play->shape->own->entries,
            "more than there is");
    require(!play->honest || (items == 3 && drops == 3), "an honest end that is not the merge");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shape shapes[SHAPES];
    static bool made;
    for (unsigned i = 0; !made && i < SHAPES; i++)
        shape_make(&shapes[i], i);
    made = true;
    struct bytes bytes = {data, size};
    struct play play;
    play_open(&play, &shapes[next_byte(&bytes) % SHAPES]);
    for (unsigned steps = 0; bytes.left > 0 && steps < 200; steps++)
        step(&play, &bytes);
    check_end(&play);
    play_close(&play);
    return 0;
}
