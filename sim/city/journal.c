/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/journal.h"

#include <inttypes.h>
#include <stdio.h>

#include "crdt/base.h"

static const char *const type_words[] = {
    [HOLM_JOURNAL_HELLO] = "hello",   [HOLM_JOURNAL_OP] = "op",
    [HOLM_JOURNAL_SEEN] = "seen",     [HOLM_JOURNAL_REPORT] = "report",
    [HOLM_JOURNAL_FINAL] = "final",   [HOLM_JOURNAL_ALIVE] = "alive",
    [HOLM_JOURNAL_END] = "end",       [HOLM_JOURNAL_LOG] = "log",
    [HOLM_JOURNAL_BURIED] = "buried",
};

static const char *const verb_words[] = {
    [HOLM_JOURNAL_BORN] = "born", [HOLM_JOURNAL_BOOST] = "boost", [HOLM_JOURNAL_DAMAGE] = "damage",
    [HOLM_JOURNAL_BURY] = "bury", [HOLM_JOURNAL_WRITE] = "write",
};

/* The figures of a report in the order of its line, after epoch and digest. */
#define REPORT_FIGURES(X)                                                                          \
    X(token)                                                                                       \
    X(alive)                                                                                       \
    X(here)                                                                                        \
    X(patrolling)                                                                                  \
    X(buried)                                                                                      \
    X(operations)                                                                                  \
    X(entries)                                                                                     \
    X(peers)                                                                                       \
    X(cuts)                                                                                        \
    X(fights)                                                                                      \
    X(fallen)                                                                                      \
    X(refused)                                                                                     \
    X(errors)                                                                                      \
    X(breaches)                                                                                    \
    X(log_bytes)                                                                                   \
    X(pulls)                                                                                       \
    X(syncs)

/* A line being written. It cannot overflow: every member is bounded, and the sum is below the
 * size; that is asserted. */
struct sheet {
    char *text;
    size_t size;
};

static void word(struct sheet *sheet, const char *text)
{
    size_t length = strlen(text);
    size_t space = sheet->size == 0 ? 0 : 1;
    HOLM_ASSERT(sheet->size + space + length + 2 <= HOLM_JOURNAL_LINE_BYTES_MAX);
    if (space != 0)
        sheet->text[sheet->size] = ' ';
    memcpy(sheet->text + sheet->size + space, text, length);
    sheet->size += space + length;
}

static void decimal(struct sheet *sheet, uint64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, number);
    word(sheet, digits);
}

static void hexadecimal(struct sheet *sheet, uint64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIx64, number);
    word(sheet, digits);
}

static void signed_decimal(struct sheet *sheet, int64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, number);
    word(sheet, digits);
}

static void place(struct sheet *sheet, const struct holm_journal_place *place_)
{
    decimal(sheet, place_->partition);
    hexadecimal(sheet, place_->dot.actor.node.value);
    hexadecimal(sheet, place_->dot.actor.epoch.value);
    decimal(sheet, place_->dot.seq);
}

static void hero(struct sheet *sheet, struct holm_hero_id id)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    word(sheet, key);
}

static void print_report(struct sheet *sheet, const struct holm_journal_report *report)
{
    hexadecimal(sheet, report->epoch);
    hexadecimal(sheet, report->digest);
#define PRINT(figure) decimal(sheet, report->figure);
    REPORT_FIGURES(PRINT)
#undef PRINT
}

/* Text is the last thing of a line; a newline in it would end the line early. No text is a dash, for
 * no line ends with a space. */
static void print_text(struct sheet *sheet, const char *text)
{
    word(sheet, text[0] == '\0' ? "-" : text);
    for (size_t i = 0; i < sheet->size; i++) {
        if ((unsigned char)sheet->text[i] < ' ')
            sheet->text[i] = ' ';
    }
}

static void print_body(struct sheet *sheet, const struct holm_journal_line *line)
{
    switch (line->type) {
    case HOLM_JOURNAL_HELLO:
        decimal(sheet, line->as.hello.pid);
        hexadecimal(sheet, line->as.hello.self.node.value);
        hexadecimal(sheet, line->as.hello.self.epoch.value);
        print_text(sheet, line->as.hello.address);
        break;
    case HOLM_JOURNAL_OP:
        word(sheet, verb_words[line->as.op.verb]);
        place(sheet, &line->as.op.place);
        hero(sheet, line->as.op.hero);
        signed_decimal(sheet, line->as.op.amount);
        break;
    case HOLM_JOURNAL_SEEN:
    case HOLM_JOURNAL_FINAL:
        place(sheet, &line->as.place);
        break;
    case HOLM_JOURNAL_REPORT:
        print_report(sheet, &line->as.report);
        break;
    case HOLM_JOURNAL_ALIVE:
        hero(sheet, line->as.alive.hero);
        signed_decimal(sheet, line->as.alive.health);
        decimal(sheet, line->as.alive.patrolling ? 1 : 0);
        print_text(sheet, line->as.alive.city);
        break;
    case HOLM_JOURNAL_END:
        decimal(sheet, line->as.end.places);
        decimal(sheet, line->as.end.heroes);
        decimal(sheet, line->as.end.buried);
        hexadecimal(sheet, line->as.end.digest);
        break;
    case HOLM_JOURNAL_LOG:
        signed_decimal(sheet, line->as.log.level);
        print_text(sheet, line->as.log.text);
        break;
    case HOLM_JOURNAL_BURIED:
        hero(sheet, line->as.buried);
        break;
    }
}

size_t holm_journal_print(const struct holm_journal_line *line,
                          char text[HOLM_JOURNAL_LINE_BYTES_MAX])
{
    struct sheet sheet = {.text = text};
    word(&sheet, type_words[line->type]);
    print_body(&sheet, line);
    text[sheet.size++] = '\n';
    text[sheet.size] = '\0';
    return sheet.size;
}

/* A line being read, word by word. Once something is wrong, all further words are empty. */
struct reader {
    const char *at, *end; /* the end is where the newline stands */
    bool failed;
};

static struct holm_bytes next_word(struct reader *reader)
{
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at != ' ')
        reader->at++;
    struct holm_bytes found = {start, (size_t)(reader->at - start)};
    if (found.size == 0)
        reader->failed = true;
    if (reader->at < reader->end) {
        reader->at++; /* a line that ends with a space has an empty last word */
        if (reader->at == reader->end)
            reader->failed = true;
    }
    return found;
}

static uint64_t next_number(struct reader *reader, unsigned base)
{
    struct holm_bytes digits = next_word(reader);
    uint64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        char c = ((const char *)digits.data)[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 99;
        if (digit >= base || number > (UINT64_MAX - digit) / base) {
            reader->failed = true;
            return 0;
        }
        number = number * base + digit;
    }
    return number;
}

static int64_t next_signed(struct reader *reader)
{
    bool negative = reader->at < reader->end && *reader->at == '-';
    if (negative)
        reader->at++;
    uint64_t magnitude = next_number(reader, 10);
    if (magnitude > INT64_MAX) {
        reader->failed = true;
        return 0;
    }
    return negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

static struct holm_hero_id next_hero(struct reader *reader)
{
    struct holm_hero_id id = {0, 0};
    if (!holm_hero_parse(next_word(reader), &id))
        reader->failed = true;
    return id;
}

static void next_place(struct reader *reader, struct holm_journal_place *place_)
{
    uint64_t partition = next_number(reader, 10);
    if (partition > UINT32_MAX)
        reader->failed = true;
    place_->partition = (uint32_t)partition;
    place_->dot.actor.node.value = next_number(reader, 16);
    place_->dot.actor.epoch.value = next_number(reader, 16);
    place_->dot.seq = next_number(reader, 10);
    if (place_->dot.seq == 0)
        reader->failed = true;
}

/* The rest of the line, as text. */
static void next_text(struct reader *reader, char *text, size_t size)
{
    size_t length = (size_t)(reader->end - reader->at);
    if (length >= size) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)reader->at[i] < ' ')
            reader->failed = true;
        text[i] = reader->at[i];
    }
    text[length] = '\0';
    reader->at = reader->end;
}

static unsigned next_of(struct reader *reader, const char *const *words, unsigned last)
{
    struct holm_bytes found = next_word(reader);
    for (unsigned i = 1; i <= last; i++) {
        if (holm_bytes_equal(found, holm_str(words[i])))
            return i;
    }
    reader->failed = true;
    return 0;
}

static void read_op(struct reader *reader, struct holm_journal_op *op)
{
    op->verb = (enum holm_journal_verb)next_of(reader, verb_words, HOLM_JOURNAL_WRITE);
    next_place(reader, &op->place);
    op->hero = next_hero(reader);
    op->amount = next_signed(reader);
    if (op->amount < 0)
        reader->failed = true;
}

static void read_report(struct reader *reader, struct holm_journal_report *report)
{
    report->epoch = next_number(reader, 16);
    report->digest = next_number(reader, 16);
#define READ(figure) report->figure = next_number(reader, 10);
    REPORT_FIGURES(READ)
#undef READ
}

static void read_alive(struct reader *reader, struct holm_journal_alive *alive)
{
    alive->hero = next_hero(reader);
    alive->health = next_signed(reader);
    uint64_t patrolling = next_number(reader, 10);
    if (patrolling > 1)
        reader->failed = true;
    alive->patrolling = patrolling == 1;
    next_text(reader, alive->city, sizeof alive->city);
}

static void read_body(struct reader *reader, struct holm_journal_line *line)
{
    switch (line->type) {
    case HOLM_JOURNAL_HELLO:
        line->as.hello.pid = next_number(reader, 10);
        line->as.hello.self.node.value = next_number(reader, 16);
        line->as.hello.self.epoch.value = next_number(reader, 16);
        next_text(reader, line->as.hello.address, sizeof line->as.hello.address);
        break;
    case HOLM_JOURNAL_OP:
        read_op(reader, &line->as.op);
        break;
    case HOLM_JOURNAL_SEEN:
    case HOLM_JOURNAL_FINAL:
        next_place(reader, &line->as.place);
        break;
    case HOLM_JOURNAL_REPORT:
        read_report(reader, &line->as.report);
        break;
    case HOLM_JOURNAL_ALIVE:
        read_alive(reader, &line->as.alive);
        break;
    case HOLM_JOURNAL_END:
        line->as.end.places = next_number(reader, 10);
        line->as.end.heroes = next_number(reader, 10);
        line->as.end.buried = next_number(reader, 10);
        line->as.end.digest = next_number(reader, 16);
        break;
    case HOLM_JOURNAL_LOG:
        line->as.log.level = (int)(next_signed(reader) % 10);
        next_text(reader, line->as.log.text, sizeof line->as.log.text);
        break;
    case HOLM_JOURNAL_BURIED:
        line->as.buried = next_hero(reader);
        break;
    }
}

bool holm_journal_parse(const char *text, size_t size, struct holm_journal_line *line)
{
    if (size == 0 || size >= HOLM_JOURNAL_LINE_BYTES_MAX || text[size - 1] != '\n')
        return false;
    struct reader reader = {.at = text, .end = text + size - 1};
    *line = (struct holm_journal_line){0};
    unsigned type = next_of(&reader, type_words, HOLM_JOURNAL_BURIED);
    if (reader.failed)
        return false;
    line->type = (enum holm_journal_type)type;
    read_body(&reader, line);
    return !reader.failed && reader.at == reader.end;
}

static bool is_field(const struct holm_op *op, enum holm_op_type type, const char *field)
{
    return op->type == type && holm_bytes_equal(op->field, holm_str(field));
}

/* Operations that mint nothing when they find nothing. */
static bool can_be_idle(const struct holm_op *op)
{
    switch (op->type) {
    case HOLM_OP_RESET:
    case HOLM_OP_ERASE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        return true;
    case HOLM_OP_PUT:
    case HOLM_OP_ADD:
    case HOLM_OP_INSERT:
    case HOLM_OP_ENABLE:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        return false;
    }
    return false;
}

/* The operation that has the dot number `index` of those minted. */
static const struct holm_op *minted(const struct holm_receipt *receipt, const struct holm_op *ops,
                                    size_t count, size_t index)
{
    size_t idle = count - receipt->count;
    for (size_t i = 0; i < count; i++) {
        if (idle > 0 && can_be_idle(&ops[i]))
            idle--;
        else if (index-- == 0)
            return &ops[i];
    }
    return NULL;
}

void holm_journal_describe(const struct holm_receipt *receipt, const struct holm_op *ops,
                           size_t count, size_t index, struct holm_journal_line *line)
{
    HOLM_ASSERT(index < receipt->count && receipt->count <= count);
    const struct holm_op *op = minted(receipt, ops, count, index);
    HOLM_ASSERT(op != NULL);
    *line = (struct holm_journal_line){.type = HOLM_JOURNAL_OP};
    struct holm_journal_op *described = &line->as.op;
    described->place.partition = receipt->partition;
    described->place.dot = receipt->first;
    described->place.dot.seq += index;
    described->verb = op->type == HOLM_OP_BURY ? HOLM_JOURNAL_BURY : HOLM_JOURNAL_WRITE;
    /* The simulation writes heroes only; anything else is kept as a write of no hero. */
    if (!holm_hero_parse(op->key, &described->hero) || !is_field(op, HOLM_OP_ADD, "health"))
        return;
    described->verb = op->as.amount < 0 ? HOLM_JOURNAL_DAMAGE : HOLM_JOURNAL_BOOST;
    described->amount = op->as.amount < 0 ? -op->as.amount : op->as.amount;
    /* Only a creation names a hero, in the same batch. */
    for (size_t i = 0; i < count; i++) {
        if (is_field(&ops[i], HOLM_OP_PUT, "name") && holm_bytes_equal(ops[i].key, op->key))
            described->verb = HOLM_JOURNAL_BORN;
    }
}
