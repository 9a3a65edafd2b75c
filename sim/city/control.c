/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/control.h"

#include <inttypes.h>
#include <stdio.h>

#include "crdt/base.h"

static const char *const letter_words[] = {
    [HOLM_LETTER_CREATE] = "create", [HOLM_LETTER_DELETE] = "delete",
    [HOLM_LETTER_ASSIGN] = "assign", [HOLM_LETTER_HOLD] = "hold",
    [HOLM_LETTER_GO] = "go",         [HOLM_LETTER_BOMB] = "bomb",
};

static const char *const errand_words[] = {
    [HOLM_CONTROL_JOIN] = "join",     [HOLM_CONTROL_CUT] = "cut",   [HOLM_CONTROL_HEAL] = "heal",
    [HOLM_CONTROL_REPORT] = "report", [HOLM_CONTROL_DUMP] = "dump", [HOLM_CONTROL_QUIT] = "quit",
};

static void print_letter(const struct holm_letter *letter, char line[HOLM_CONTROL_LINE_BYTES_MAX])
{
    const char *word = letter_words[letter->type];
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(letter->hero, key);
    switch (letter->type) {
    case HOLM_LETTER_CREATE:
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s %s %s", word, key, letter->name);
        break;
    case HOLM_LETTER_DELETE:
    case HOLM_LETTER_ASSIGN:
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s %s", word, key);
        break;
    case HOLM_LETTER_HOLD:
    case HOLM_LETTER_GO:
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s %" PRIu64, word, letter->token);
        break;
    case HOLM_LETTER_BOMB:
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s", word);
        break;
    }
}

void holm_control_print(const struct holm_control *control, char line[HOLM_CONTROL_LINE_BYTES_MAX])
{
    if (control->type == HOLM_CONTROL_LETTER)
        print_letter(&control->letter, line);
    else if (control->type == HOLM_CONTROL_DUMP)
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s %" PRIu64 " %" PRIu32,
                       errand_words[control->type], control->seed, control->heroes);
    else
        (void)snprintf(line, HOLM_CONTROL_LINE_BYTES_MAX, "%s%s%s", errand_words[control->type],
                       control->text[0] == '\0' ? "" : " ", control->text);
}

/* Cuts the first word off; *rest is what follows the space. */
static struct holm_bytes first_word(struct holm_bytes line, struct holm_bytes *rest)
{
    const char *text = line.data;
    size_t size = 0;
    while (size < line.size && text[size] != ' ')
        size++;
    size_t skipped = size < line.size ? size + 1 : size;
    *rest = holm_mem(text + skipped, line.size - skipped);
    return holm_mem(text, size);
}

static bool copy_text(struct holm_bytes text, char *target, size_t size)
{
    if (text.size == 0 || text.size >= size)
        return false;
    memcpy(target, text.data, text.size);
    target[text.size] = '\0';
    return true;
}

static bool parse_token(struct holm_bytes digits, uint64_t *token)
{
    *token = 0;
    for (size_t i = 0; i < digits.size; i++) {
        char c = ((const char *)digits.data)[i];
        uint64_t digit = (uint64_t)c - '0';
        if (c < '0' || c > '9' || *token > (UINT64_MAX - digit) / 10)
            return false;
        *token = *token * 10 + digit;
    }
    return digits.size > 0;
}

static bool parse_errand(struct holm_bytes rest, struct holm_control *control)
{
    if (control->type == HOLM_CONTROL_JOIN || control->type == HOLM_CONTROL_CUT)
        return copy_text(rest, control->text, sizeof control->text);
    if (control->type != HOLM_CONTROL_DUMP)
        return rest.size == 0;
    struct holm_bytes after;
    uint64_t heroes;
    if (!parse_token(first_word(rest, &after), &control->seed) || !parse_token(after, &heroes) ||
        heroes > UINT32_MAX)
        return false;
    control->heroes = (uint32_t)heroes;
    return true;
}

static bool parse_letter(enum holm_letter_type type, struct holm_bytes rest,
                         struct holm_letter *letter)
{
    struct holm_bytes after;
    letter->type = type;
    switch (type) {
    case HOLM_LETTER_CREATE:
        return holm_hero_parse(first_word(rest, &after), &letter->hero) &&
               copy_text(after, letter->name, sizeof letter->name);
    case HOLM_LETTER_DELETE:
    case HOLM_LETTER_ASSIGN:
        return holm_hero_parse(rest, &letter->hero);
    case HOLM_LETTER_HOLD:
    case HOLM_LETTER_GO:
        return parse_token(rest, &letter->token);
    case HOLM_LETTER_BOMB:
        return rest.size == 0;
    }
    return false;
}

bool holm_control_parse(const char *line, size_t size, struct holm_control *control)
{
    struct holm_bytes rest;
    struct holm_bytes word = first_word(holm_mem(line, size), &rest);
    *control = (struct holm_control){0};
    for (unsigned i = HOLM_LETTER_CREATE; i <= HOLM_LETTER_BOMB; i++) {
        if (!holm_bytes_equal(word, holm_str(letter_words[i])))
            continue;
        control->type = HOLM_CONTROL_LETTER;
        return parse_letter((enum holm_letter_type)i, rest, &control->letter);
    }
    for (unsigned i = HOLM_CONTROL_JOIN; i <= HOLM_CONTROL_QUIT; i++) {
        if (!holm_bytes_equal(word, holm_str(errand_words[i])))
            continue;
        control->type = (enum holm_control_type)i;
        return parse_errand(rest, control);
    }
    return false;
}
