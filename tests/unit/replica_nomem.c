/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of step with its n-th allocation refused, for n = 1, 2, ... until it needs no more.
 *
 * After HOLM_ENOMEM the replica is what it was before; it goes on, and in the end holds what the
 * reference says. Once with the n-th refused alone, once with all after it.
 */
#include "crdt/path.h"
#include "tests/unit/scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define MAIL_MAX 128
#define PHOTO_BYTES 16384

/* What a replica shows, byte for byte. */
struct photo {
    unsigned char bytes[PHOTO_BYTES];
    size_t size;
};

struct lab {
    struct fixture fixture;
    struct parcel_office office;
    struct mail {
        size_t from;
        enum holm_message_type type;
        struct parcel *parcel;
    } mail[MAIL_MAX];
    size_t mail_count;
    struct fixture_state state;
};

/* ---- photographs ---------------------------------------------------------------------------- */

static void show(struct photo *photo, const void *bytes, size_t size)
{
    assert_true(photo->size + size <= PHOTO_BYTES);
    if (size > 0)
        memcpy(photo->bytes + photo->size, bytes, size);
    photo->size += size;
}

static void show_number(struct photo *photo, uint64_t number)
{
    show(photo, &number, sizeof number);
}

static bool show_cell(void *context, const struct holm_cell_view *cell)
{
    struct photo *photo = context;
    show(photo, cell->key.data, cell->key.size);
    show(photo, cell->path.data, cell->path.size);
    show(photo, cell->sub.data, cell->sub.size);
    show_number(photo, cell->kind);
    show_number(photo, cell->dot.actor.epoch.value);
    show_number(photo, cell->dot.seq);
    show_number(photo, cell->hlc);
    show_number(photo, cell->value.type);
    if (cell->value.type == HOLM_BYTES || cell->value.type == HOLM_TEXT)
        show(photo, cell->value.as.bytes.data, cell->value.as.bytes.size);
    if (cell->value.type == HOLM_I64)
        show_number(photo, (uint64_t)cell->value.as.i64);
    if (cell->count != NULL)
        show(photo, cell->count, sizeof *cell->count);
    return true;
}

static bool show_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    show(context, key.data, key.size);
    show_number(context, dot.seq);
    return true;
}

/* Sealing what is pending shows nothing: the vector is taken with it. */
static void take_photo(struct lab *lab, size_t node, struct photo *photo)
{
    static const char *const keys[] = {"k", "l", "m", "new", "other"};
    const struct holm_replica *replica = lab->fixture.nodes[node].replica;
    struct reference_view view = fixture_view(&lab->fixture, node);
    struct holm_digest live = holm_replica_digest(replica);
    struct holm_digest transfer = holm_replica_transfer_digest(replica);
    struct holm_replica_stats stats = stats_of(&lab->fixture, node);
    photo->size = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        holm_replica_visit(replica, holm_str(keys[i]), show_cell, photo);
    holm_replica_visit_tombstones(replica, show_tombstone, photo);
    show(photo, &view, sizeof view);
    show(photo, &live, sizeof live);
    show(photo, &transfer, sizeof transfer);
    show_number(photo, stats.records);
    show_number(photo, stats.tombstones);
    show_number(photo, stats.cells);
    show_number(photo, stats.held);
    show_number(photo, stats.operations);
}

/* ---- the laboratory ------------------------------------------------------------------------- */

static void keep_mail(void *context, size_t node, const struct holm_output *output)
{
    struct lab *lab = context;
    assert_true(lab->mail_count < MAIL_MAX);
    lab->mail[lab->mail_count].from = node;
    lab->mail[lab->mail_count].type = output->message.type;
    lab->mail[lab->mail_count++].parcel = parcel_new(&lab->office, &output->message);
}

/* The newest message of a type that a node has sent. */
static const struct holm_message *mail_of(struct lab *lab, size_t from, enum holm_message_type type)
{
    for (size_t i = lab->mail_count; i > 0; i--)
        if (lab->mail[i - 1].from == from && lab->mail[i - 1].type == type)
            return parcel_open(&lab->office, lab->mail[i - 1].parcel);
    fail_msg("no message of type %d from node %zu", (int)type, from);
    return NULL;
}

static enum holm_status deliver(struct lab *lab, size_t from, size_t to,
                                enum holm_message_type type)
{
    struct holm_event event = {
        .type = HOLM_EVENT_MESSAGE,
        .as.message = {.peer = (uint32_t)from, .message = mail_of(lab, from, type)}};
    return fixture_step(&lab->fixture, to, &event);
}

static void must(enum holm_status status)
{
    assert_int_equal(status, HOLM_OK);
}

static enum holm_status meet(struct lab *lab, size_t node, size_t peer)
{
    struct holm_event event = {
        .type = HOLM_EVENT_PEER_UP,
        .as.peer = {.peer = (uint32_t)peer, .actor = lab->fixture.nodes[peer].self}};
    return fixture_step(&lab->fixture, node, &event);
}

/* One cell of each kind, on two keys. */
static void furnish(struct fixture *f, size_t node, const char *key)
{
    struct holm_op op = op_of(HOLM_OP_PUT, key, "text");
    op.as.value = holm_text("a text that is too long to be kept anywhere but on a heap");
    must(commit(f, node, op));
    op = op_of(HOLM_OP_RAISE, key, "max");
    op.as.value = holm_i64(5);
    must(commit(f, node, op));
    op.type = HOLM_OP_LOWER;
    must(commit(f, node, op));
    put(f, node, key, "f", 1);
    add(f, node, key, "n", 10);
    insert(f, node, key, "s", "x");
    insert(f, node, key, "s", "y");
    write_op(f, node, HOLM_OP_ENABLE, key, "flag");
}

/* A and B have written and know it all; A has more that is unsealed. C is empty. */
static void lab_init(struct lab *lab)
{
    struct fixture *f = &lab->fixture;
    struct holm_replica_config limits = holm_replica_config_default();
    memset(lab, 0, sizeof *lab);
    limits.page_items_max = 4;
    limits.frame_bytes_max = 4096;
    fixture_init(f, 3, &limits);
    parcel_office_init(&lab->office, &f->config.allocator, f->config.frame_bytes_max, false);
    f->post = keep_mail;
    f->context = lab;
    furnish(f, A, "k");
    furnish(f, B, "l");
    fixture_flush(f, A);
    fixture_flush(f, B);
    fixture_give_all(f, A, B);
    fixture_give_all(f, B, A);
    write_op(f, B, HOLM_OP_BURY, "m", "");
    fixture_flush(f, B);
    write_op(f, A, HOLM_OP_REMOVE, "k", "s");
    add(f, A, "k", "n", -3);
}

static void lab_release(struct lab *lab)
{
    for (size_t i = 0; i < lab->mail_count; i++)
        parcel_free(&lab->office, lab->mail[i].parcel);
    if (lab->state.entries != NULL)
        fixture_state_release(&lab->state);
    parcel_office_release(&lab->office);
    fixture_release(&lab->fixture);
}

/* ---- the steps ------------------------------------------------------------------------------ */

struct step {
    const char *name;
    size_t node;
    void (*prepare)(struct lab *lab);
    enum holm_status (*take)(struct lab *lab);
    bool again; /* after a refusal it can be taken again, and comes to the same */
};

static enum holm_status commit_of(struct lab *lab, enum holm_op_type type, const char *key,
                                  const char *field)
{
    struct holm_op op = op_of(type, key, field);
    if (type == HOLM_OP_PUT || type == HOLM_OP_RAISE || type == HOLM_OP_LOWER)
        op.as.value = holm_text("another text that does not fit into a small cell at all");
    if (type == HOLM_OP_INSERT || type == HOLM_OP_ERASE)
        op.as.element = holm_str("x");
    if (type == HOLM_OP_ADD)
        op.as.amount = 4;
    return commit(&lab->fixture, A, op);
}

#define COMMIT(name, type, key, field)                                                             \
    static enum holm_status name(struct lab *lab)                                                  \
    {                                                                                              \
        return commit_of(lab, (type), (key), (field));                                             \
    }
COMMIT(commit_put, HOLM_OP_PUT, "k", "f")
COMMIT(commit_put_new, HOLM_OP_PUT, "new", "f")
COMMIT(commit_add, HOLM_OP_ADD, "l", "n")
COMMIT(commit_add_new, HOLM_OP_ADD, "new", "n")
COMMIT(commit_reset, HOLM_OP_RESET, "l", "n")
COMMIT(commit_insert, HOLM_OP_INSERT, "k", "s")
COMMIT(commit_erase, HOLM_OP_ERASE, "l", "s")
COMMIT(commit_enable, HOLM_OP_ENABLE, "k", "flag")
COMMIT(commit_disable, HOLM_OP_DISABLE, "k", "flag")
COMMIT(commit_raise, HOLM_OP_RAISE, "k", "max")
COMMIT(commit_lower, HOLM_OP_LOWER, "new", "min")
COMMIT(commit_remove_field, HOLM_OP_REMOVE, "l", "s")
COMMIT(commit_remove, HOLM_OP_REMOVE, "l", "")
COMMIT(commit_bury, HOLM_OP_BURY, "l", "")
COMMIT(commit_bury_new, HOLM_OP_BURY, "new", "")

static enum holm_status commit_batch(struct lab *lab)
{
    struct holm_op ops[] = {
        op_of(HOLM_OP_REMOVE, "k", ""),      op_of(HOLM_OP_ENABLE, "k", "flag"),
        op_of(HOLM_OP_RESET, "l", "n"),      op_of(HOLM_OP_ENABLE, "new", "flag"),
        op_of(HOLM_OP_DISABLE, "l", "flag"), op_of(HOLM_OP_ADD, "l", "n"),
        op_of(HOLM_OP_BURY, "new", ""),
    };
    return fixture_commit(&lab->fixture, A, ops, sizeof ops / sizeof *ops);
}

/* So much is pending that the next commit must seal first, or seals behind itself. */
static void prepare_much(struct lab *lab)
{
    static char names[30][16];
    for (int i = 0; i < 30; i++) {
        (void)snprintf(names[i], sizeof names[i], "f%d", i);
        put(&lab->fixture, A, "other", names[i], i);
    }
}

static enum holm_status take_flush(struct lab *lab)
{
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    return fixture_step(&lab->fixture, A, &event);
}

static enum holm_status take_tick(struct lab *lab)
{
    struct holm_event event = {.type = HOLM_EVENT_TICK};
    return fixture_step(&lab->fixture, A, &event);
}

static void prepare_late(struct lab *lab)
{
    lab->fixture.now_us += 1000000;
}

static enum holm_status take_epoch(struct lab *lab)
{
    struct fixture_node *self = &lab->fixture.nodes[A];
    struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {2}};
    enum holm_status status = fixture_step(&lab->fixture, A, &event);
    self->self = holm_replica_self(self->replica);
    return status;
}

static enum holm_status take_superseded(struct lab *lab)
{
    struct holm_event event = {.type = HOLM_EVENT_SUPERSEDED,
                               .as.superseded = {{lab->fixture.nodes[B].self.node.value}, {9}}};
    return fixture_step(&lab->fixture, A, &event);
}

static enum holm_status take_want(struct lab *lab)
{
    struct holm_event event = {.type = HOLM_EVENT_WANT};
    return fixture_step(&lab->fixture, A, &event);
}

/* Somebody wants to know what all have: each is asked. */
static enum holm_status take_hear(struct lab *lab)
{
    struct holm_event event = {.type = HOLM_EVENT_HEAR};
    return fixture_step(&lab->fixture, A, &event);
}

static enum holm_status take_peer(struct lab *lab)
{
    return meet(lab, A, B);
}

static void prepare_peers(struct lab *lab)
{
    for (size_t node = A; node <= C; node++)
        for (size_t peer = A; peer <= C; peer++)
            if (node != peer)
                must(meet(lab, node, peer));
}

/* ---- runs */

static enum holm_status take_run(struct lab *lab, size_t node, size_t run)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                   .partition = FIXTURE_PARTITION,
                                   .sender = lab->fixture.runs[run]->actor,
                                   .as.delta = lab->fixture.runs[run]};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = HOLM_PEER_NONE, .message = &message}};
    return fixture_step(&lab->fixture, node, &event);
}

/* A seals something of everything; B has sealed its last before. */
static void prepare_runs(struct lab *lab)
{
    fixture_flush(&lab->fixture, A);
    must(commit_batch(lab));
    must(commit_put(lab));
    fixture_flush(&lab->fixture, A);
}

static enum holm_status take_run_empty(struct lab *lab)
{
    return take_run(lab, C, 0);
}

static enum holm_status take_run_next(struct lab *lab)
{
    return take_run(lab, B, lab->fixture.run_count - 2);
}

static enum holm_status take_run_early(struct lab *lab)
{
    return take_run(lab, B, lab->fixture.run_count - 1);
}

static void prepare_early(struct lab *lab)
{
    prepare_runs(lab);
    must(take_run_early(lab));
}

/* ---- pulls */

static void prepare_pull(struct lab *lab)
{
    prepare_peers(lab);
    prepare_runs(lab);
}

static enum holm_status take_beacon(struct lab *lab)
{
    struct holm_beacon_entry entry = holm_replica_beacon(lab->fixture.nodes[A].replica);
    struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                   .sender = lab->fixture.nodes[A].self,
                                   .as.beacon = {.entries = &entry, .count = 1}};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = A, .message = &message}};
    enum holm_status status = fixture_step(&lab->fixture, C, &event);
    struct holm_event tick = {.type = HOLM_EVENT_TICK};
    return status == HOLM_OK ? fixture_step(&lab->fixture, C, &tick) : status;
}

static void prepare_serve(struct lab *lab)
{
    prepare_pull(lab);
    must(take_beacon(lab));
}

static enum holm_status take_pull(struct lab *lab)
{
    return deliver(lab, C, A, HOLM_MESSAGE_PULL);
}

static void prepare_deltas(struct lab *lab)
{
    prepare_serve(lab);
    must(take_pull(lab));
}

static enum holm_status take_deltas(struct lab *lab)
{
    return deliver(lab, A, C, HOLM_MESSAGE_DELTAS);
}

/* ---- syncs */

/* C has asked A, which answered that it must sync. */
static void prepare_sync(struct lab *lab)
{
    prepare_deltas(lab);
    const struct holm_message *answer = mail_of(lab, A, HOLM_MESSAGE_DELTAS);
    struct holm_message too_old = *answer;
    too_old.as.deltas = (struct holm_deltas){.too_old = true, .now = answer->as.deltas.now};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = A, .message = &too_old}};
    must(fixture_step(&lab->fixture, C, &event));
}

static enum holm_status take_open(struct lab *lab)
{
    return deliver(lab, C, A, HOLM_MESSAGE_SYNC_OPEN);
}

static void prepare_cut(struct lab *lab)
{
    prepare_sync(lab);
    must(take_open(lab));
}

static enum holm_status take_cut(struct lab *lab)
{
    return deliver(lab, A, C, HOLM_MESSAGE_SYNC_CUT);
}

static void prepare_ask(struct lab *lab)
{
    prepare_cut(lab);
    must(take_cut(lab));
}

static enum holm_status take_ask(struct lab *lab)
{
    return deliver(lab, C, A, HOLM_MESSAGE_SYNC_ASK);
}

/* All of a cut is asked for, which a replica does where counters were folded. */
static enum holm_status take_next(struct lab *lab)
{
    struct holm_message next = {.type = HOLM_MESSAGE_SYNC_NEXT, .partition = FIXTURE_PARTITION};
    next.as.sync_next.sync = mail_of(lab, A, HOLM_MESSAGE_SYNC_CUT)->as.sync_cut.sync;
    next.as.sync_next.count = 4;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = C, .message = &next}};
    return fixture_step(&lab->fixture, A, &event);
}

static void prepare_tell(struct lab *lab)
{
    prepare_ask(lab);
    must(take_ask(lab));
    put(&lab->fixture, C, "other", "f", 1); /* must be sealed before the cut is applied */
}

static enum holm_status take_tell(struct lab *lab)
{
    return deliver(lab, A, C, HOLM_MESSAGE_SYNC_TELL);
}

/* A goes, and C turns to B with what A told. */
static void prepare_takeover(struct lab *lab)
{
    static char keys[100][16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "bulk%d", i);
        put(&lab->fixture, A, keys[i], "f", i);
    }
    fixture_merge(&lab->fixture, A, B);
    prepare_tell(lab);
    must(take_tell(lab));
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN, .as.peer = {.peer = A}};
    fixture_do(&lab->fixture, C, &down);
    assert_int_equal(stats_of(&lab->fixture, C).syncs, 0);
    must(meet(lab, C, B));
    must(meet(lab, B, C));
    struct holm_message beacon = {.type = HOLM_MESSAGE_BEACON};
    struct holm_beacon_entry entry;
    fixture_flush(&lab->fixture, B);
    entry = holm_replica_beacon(lab->fixture.nodes[B].replica);
    beacon.as.beacon = (struct holm_beacon){&entry, 1};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = B, .message = &beacon}};
    must(fixture_step(&lab->fixture, C, &event));
    must(deliver(lab, C, B, HOLM_MESSAGE_SYNC_OPEN));
}

static enum holm_status take_over(struct lab *lab)
{
    return deliver(lab, B, C, HOLM_MESSAGE_SYNC_CUT);
}

/* ---- states by hand */

static enum holm_status take_freeze(struct lab *lab)
{
    struct holm_replica *replica = lab->fixture.nodes[A].replica;
    const struct holm_work *work;
    struct holm_cut *cut;
    enum holm_status status = holm_cut_open(replica, fixture_now(&lab->fixture, A), &work, &cut);
    fixture_take_work(&lab->fixture, A, work);
    assert_int_equal(cut == NULL, status != HOLM_OK);
    holm_cut_close(cut);
    return status;
}

static void prepare_load(struct lab *lab)
{
    prepare_runs(lab);
    fixture_state_take(&lab->fixture, A, &lab->state);
    add(&lab->fixture, B, "l", "n", 2); /* unsealed */
}

static enum holm_status take_load(struct lab *lab, size_t node)
{
    const struct fixture_state *state = &lab->state;
    struct holm_vector_view vector = {.entries = state->entries, .count = state->entry_count};
    const struct holm_work *work;
    enum holm_status status = holm_replica_load(
        lab->fixture.nodes[node].replica, vector, (const struct holm_page *const *)state->pages,
        state->page_count, fixture_now(&lab->fixture, node), &work);
    fixture_take_work(&lab->fixture, node, work);
    return status;
}

static enum holm_status take_load_empty(struct lab *lab)
{
    return take_load(lab, C);
}

static enum holm_status take_load_merge(struct lab *lab)
{
    return take_load(lab, B);
}

static const struct step steps[] = {
    {"put", A, NULL, commit_put, true},
    {"put a new key", A, NULL, commit_put_new, true},
    {"add", A, NULL, commit_add, true},
    {"add to a new key", A, NULL, commit_add_new, true},
    {"reset", A, NULL, commit_reset, true},
    {"insert", A, NULL, commit_insert, true},
    {"erase", A, NULL, commit_erase, true},
    {"enable", A, NULL, commit_enable, true},
    {"disable", A, NULL, commit_disable, true},
    {"raise", A, NULL, commit_raise, true},
    {"lower", A, NULL, commit_lower, true},
    {"remove a field", A, NULL, commit_remove_field, true},
    {"remove a record", A, NULL, commit_remove, true},
    {"bury", A, NULL, commit_bury, true},
    {"bury a new key", A, NULL, commit_bury_new, true},
    {"a batch", A, NULL, commit_batch, true},
    {"a batch after much", A, prepare_much, commit_batch, true},
    {"flush", A, NULL, take_flush, true},
    {"a tick that flushes", A, prepare_late, take_tick, true},
    {"a new epoch", A, NULL, take_epoch, true},
    {"an epoch that has ended", A, prepare_early, take_superseded, true},
    {"a wish to be told", A, prepare_peers, take_want, true},
    {"a wish to hear", A, prepare_peers, take_hear, true},
    {"a peer", A, NULL, take_peer, true},
    {"the first run", C, prepare_runs, take_run_empty, true},
    {"the next run", B, prepare_runs, take_run_next, true},
    {"an early run", B, prepare_runs, take_run_early, true},
    {"a run that frees another", B, prepare_early, take_run_next, false},
    {"a beacon", C, prepare_pull, take_beacon, true},
    {"serving a pull", A, prepare_serve, take_pull, true},
    {"an answer to a pull", C, prepare_deltas, take_deltas, false},
    {"serving a cut", A, prepare_sync, take_open, true},
    {"a cut", C, prepare_cut, take_cut, false},
    {"serving an ask", A, prepare_ask, take_ask, true},
    {"serving pages", A, prepare_ask, take_next, true},
    {"a tell", C, prepare_tell, take_tell, false},
    {"another cut", C, prepare_takeover, take_over, false},
    {"freezing a state", A, prepare_runs, take_freeze, true},
    {"loading a state", C, prepare_load, take_load_empty, true},
    {"merging a state", B, prepare_load, take_load_merge, true},
};

/* ---- the sweep ------------------------------------------------------------------------------ */

static void assert_same(const struct photo *one, const struct photo *other, const struct step *step,
                        uint64_t n)
{
    if (one->size != other->size || memcmp(one->bytes, other->bytes, one->size) != 0)
        fail_msg("%s: another state after its allocation %d was refused", step->name, (int)n);
}

/* All that was written reaches everyone, whatever was refused on the way. */
static void bring_together(struct lab *lab)
{
    struct fixture *f = &lab->fixture;
    f->post = NULL;
    f->now_us += 1000000;
    for (size_t node = A; node <= C; node++)
        fixture_tick(f, node);
    fixture_check_all(f);
    for (size_t round = 0; round < 2; round++)
        for (size_t node = A; node <= C; node++)
            fixture_merge(f, node, (node + 1) % 3);
    fixture_check_equal(f);
}

/* Refuses allocation n of the step; false when the step needs no more than n - 1. */
static bool refuse(const struct step *step, uint64_t n, bool once, const struct photo *expected)
{
    static struct lab lab;
    static struct photo before, after;
    lab_init(&lab);
    if (step->prepare != NULL)
        step->prepare(&lab);
    take_photo(&lab, step->node, &before);
    struct heap *heap = &lab.fixture.heap;
    heap->fail_at = heap->calls + n;
    heap->fail_once = once;
    enum holm_status status = step->take(&lab);
    bool refused = heap->calls >= heap->fail_at;
    heap->fail_at = 0;
    holm_replica_check(lab.fixture.nodes[step->node].replica);
    take_photo(&lab, step->node, &after);
    if (status != HOLM_OK) {
        assert_int_equal(status, HOLM_ENOMEM);
        assert_true(refused);
        if (step->again || memcmp(before.bytes, after.bytes, before.size) == 0)
            assert_same(&before, &after, step, n);
        if (step->again) {
            assert_int_equal(step->take(&lab), HOLM_OK);
            take_photo(&lab, step->node, &after);
        }
    }
    if (step->again)
        assert_same(expected, &after, step, n);
    bring_together(&lab);
    lab_release(&lab);
    return refused;
}

static uint64_t sweep(const struct step *step, bool once)
{
    static struct lab lab;
    static struct photo expected;
    lab_init(&lab);
    if (step->prepare != NULL)
        step->prepare(&lab);
    assert_int_equal(step->take(&lab), HOLM_OK);
    take_photo(&lab, step->node, &expected);
    bring_together(&lab);
    lab_release(&lab);
    uint64_t n = 1;
    while (refuse(step, n, once, &expected)) {
        n++;
        assert_true(n < 10000);
    }
    return n - 1;
}

static void test_step_when_memory_is_refused_changes_nothing(void **state)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint64_t alone = sweep(&steps[i], true), on = sweep(&steps[i], false);
        print_message("%-26s %3d allocations refused alone, %3d from there on\n", steps[i].name,
                      (int)alone, (int)on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_when_memory_is_refused_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
