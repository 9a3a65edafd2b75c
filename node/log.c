/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/log_line.h"

#define MINUTE_US UINT64_C(60000000)
#define SENTENCE_BYTES 768
/* Of a line, for one field: so that the others have room, too. */
#define FIELD_BYTES_MAX 256
/* What is kept for each value to come. */
#define VALUE_SHARE 64

struct row {
    const char *name;
    enum holm_log_level level;
    uint32_t limit;
    const char *sentence;
};

static const struct row rows[HOLM_LOG_EVENT_COUNT] = {
#define ROW(id, name, level, limit, sentence)                                                      \
    [HOLM_LOG_##id] = {name, HOLM_LOG_##level, limit, sentence},
    HOLM_LOG_EVENTS(ROW)
#undef ROW
};

static const struct row *row_of(enum holm_log_event event)
{
    HOLM_ASSERT((unsigned)event < HOLM_LOG_EVENT_COUNT);
    return &rows[event];
}

enum holm_log_level holm_log_level_of(enum holm_log_event event)
{
    return row_of(event)->level;
}

const char *holm_log_event_name(enum holm_log_event event)
{
    return row_of(event)->name;
}

/* ---- values --------------------------------------------------------------------------------- */

struct holm_log_value holm_log_bytes(struct holm_bytes bytes)
{
    return (struct holm_log_value){.type = HOLM_LOG_IS_BYTES, .bytes = bytes};
}

struct holm_log_value holm_log_text(const char *text)
{
    return holm_log_bytes(holm_str(text));
}

struct holm_log_value holm_log_status(enum holm_status status)
{
    return holm_log_text(holm_strerror(status));
}

struct holm_log_value holm_log_number(uint64_t number)
{
    return (struct holm_log_value){.type = HOLM_LOG_IS_NUMBER, .number = number};
}

struct holm_log_value holm_log_hex(uint64_t number)
{
    return (struct holm_log_value){.type = HOLM_LOG_IS_HEX, .number = number};
}

/* ---- packing -------------------------------------------------------------------------------- */

/* The next {name} of a sentence, from *at on, which moves behind it; before it is `before`. False: there is none. */
static bool next_name(const char **at, struct holm_bytes *before, struct holm_bytes *name)
{
    const char *open = strchr(*at, '{');
    const char *close = open == NULL ? NULL : strchr(open, '}');
    *before = open == NULL ? holm_str(*at) : holm_mem(*at, (size_t)(open - *at));
    if (open == NULL)
        return false;
    HOLM_ASSERT(close != NULL);
    *name = holm_mem(open + 1, (size_t)(close - open - 1));
    *at = close + 1;
    return true;
}

static size_t names_of(enum holm_log_event event)
{
    const char *at = row_of(event)->sentence;
    struct holm_bytes before, name;
    size_t count = 0;
    while (next_name(&at, &before, &name))
        count++;
    return count;
}

static struct holm_bytes spell(const struct holm_log_value *value, char number[24])
{
    if (value->type == HOLM_LOG_IS_BYTES)
        return value->bytes;
    int size = snprintf(number, 24, value->type == HOLM_LOG_IS_HEX ? "%" PRIx64 : "%" PRIu64,
                        value->number);
    return holm_mem(number, (size_t)size);
}

/* Each value behind two bytes that say its size. */
void holm_log_pack(enum holm_log_event event, const struct holm_log_value *values, size_t count,
                   char *room, size_t capacity)
{
    HOLM_ASSERT(count == names_of(event));
    HOLM_ASSERT(capacity >= count * VALUE_SHARE);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        char number[24];
        struct holm_bytes bytes = spell(&values[i], number);
        size_t most = capacity - used - (count - i - 1) * VALUE_SHARE - 2;
        size_t size = bytes.size < most ? bytes.size : most;
        size = size < UINT16_MAX ? size : UINT16_MAX;
        uint16_t told = (uint16_t)size;
        memcpy(room + used, &told, sizeof told);
        if (size > 0)
            memcpy(room + used + sizeof told, bytes.data, size);
        used += sizeof told + size;
    }
}

static struct holm_bytes unpack(const char **packed)
{
    uint16_t size;
    memcpy(&size, *packed, sizeof size);
    struct holm_bytes bytes = holm_mem(*packed + sizeof size, size);
    *packed += sizeof size + size;
    return bytes;
}

static void append(char *text, size_t capacity, size_t *used, struct holm_bytes bytes)
{
    size_t room = capacity - *used - 1;
    size_t size = bytes.size < room ? bytes.size : room;
    if (size > 0)
        memcpy(text + *used, bytes.data, size);
    *used += size;
}

size_t holm_log_sentence(enum holm_log_event event, const char *packed, char *text, size_t capacity)
{
    const char *at = row_of(event)->sentence;
    struct holm_bytes before, name;
    size_t used = 0;
    HOLM_ASSERT(capacity > 0);
    while (next_name(&at, &before, &name)) {
        append(text, capacity, &used, before);
        append(text, capacity, &used, unpack(&packed));
    }
    append(text, capacity, &used, before);
    text[used] = '\0';
    return used;
}

/* ---- limits --------------------------------------------------------------------------------- */

void holm_log_limits_init(struct holm_log_limits *limits)
{
    memset(limits, 0, sizeof *limits);
    pthread_mutex_init(&limits->lock, NULL);
}

void holm_log_limits_release(struct holm_log_limits *limits)
{
    pthread_mutex_destroy(&limits->lock);
}

void holm_log_limits_figures(struct holm_log_limits *limits, uint64_t *lines, uint64_t *suppressed)
{
    pthread_mutex_lock(&limits->lock);
    *lines = limits->lines;
    *suppressed = limits->suppressed;
    pthread_mutex_unlock(&limits->lock);
}

/* Whether it may be told; *suppressed then is how often it was not, since it last was. */
static bool take(struct holm_log_limits *limits, struct holm_now now, enum holm_log_event event,
                 uint64_t *suppressed)
{
    *suppressed = 0;
    if (limits == NULL)
        return true;
    pthread_mutex_lock(&limits->lock);
    uint64_t *begun_us = &limits->events[event].begun_us;
    if (*begun_us == 0 || now.monotonic_us - *begun_us >= MINUTE_US) {
        *begun_us = now.monotonic_us;
        limits->events[event].told = 0;
    }
    bool may = limits->events[event].told < row_of(event)->limit;
    if (may) {
        *suppressed = limits->events[event].suppressed;
        limits->events[event].suppressed = 0;
        limits->events[event].told++;
        limits->lines++;
    } else {
        limits->events[event].suppressed++;
        limits->suppressed++;
    }
    pthread_mutex_unlock(&limits->lock);
    return may;
}

/* ---- telling -------------------------------------------------------------------------------- */

static void put_fields(struct holm_log_line *line, enum holm_log_event event, const char *packed)
{
    const char *at = row_of(event)->sentence;
    struct holm_bytes before, name;
    while (next_name(&at, &before, &name)) {
        char key[32];
        HOLM_ASSERT(name.size < sizeof key);
        memcpy(key, name.data, name.size);
        key[name.size] = '\0';
        holm_log_line_pair(line, key, unpack(&packed), FIELD_BYTES_MAX);
    }
}

static void put_line(char *text, const struct holm_log *log, struct holm_now now,
                     const struct holm_log_told *told, const char *packed, uint64_t suppressed)
{
    static const char *const levels[] = {"silent", "error", "warn", "info", "debug"};
    struct holm_log_line line;
    char number[32];
    size_t size = holm_log_line_time(now.wall_ms, number, sizeof number);
    holm_log_line_begin(&line, text, HOLM_LOG_LINE_BYTES + 1);
    holm_log_line_pair(&line, "ts", holm_mem(number, size), size);
    holm_log_line_pair(&line, "level", holm_str(levels[told->level]), SIZE_MAX);
    holm_log_line_pair(&line, "event", holm_str(row_of(told->event)->name), SIZE_MAX);
    if (log->speaker[0] != '\0')
        holm_log_line_pair(&line, "node", holm_str(log->speaker), FIELD_BYTES_MAX);
    if (suppressed > 0) {
        size = (size_t)snprintf(number, sizeof number, "%" PRIu64, suppressed);
        holm_log_line_pair(&line, "suppressed", holm_mem(number, size), size);
    }
    put_fields(&line, told->event, packed);
    holm_log_line_pair(&line, "msg", holm_str(told->sentence), SIZE_MAX);
}

void holm_log_tell_packed(const struct holm_log *log, struct holm_now now,
                          enum holm_log_event event, const char *packed)
{
    uint64_t suppressed;
    if ((int)row_of(event)->level > log->level || !take(log->limits, now, event, &suppressed))
        return;
    char sentence[SENTENCE_BYTES], line[HOLM_LOG_LINE_BYTES + 1];
    struct holm_log_told told = {
        .event = event, .level = row_of(event)->level, .line = line, .sentence = sentence};
    (void)holm_log_sentence(event, packed, sentence, sizeof sentence);
    put_line(line, log, now, &told, packed, suppressed);
    if (log->hear != NULL)
        log->hear(log->context, &told);
    else if (log->write != NULL)
        log->write(log->context, (int)told.level, line);
    else
        (void)fprintf(stderr, "%s\n", line);
}

void holm_log_tell(const struct holm_log *log, struct holm_now now, enum holm_log_event event,
                   const struct holm_log_value *values, size_t count)
{
    char packed[HOLM_LOG_VALUES_BYTES];
    holm_log_pack(event, values, count, packed, sizeof packed);
    holm_log_tell_packed(log, now, event, packed);
}
