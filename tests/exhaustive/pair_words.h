/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair_words.h - the operations that are put side by side, and what must be there for each of them to find something.
 */
#ifndef HOLM_TESTS_EXHAUSTIVE_PAIR_WORDS_H
#define HOLM_TESTS_EXHAUSTIVE_PAIR_WORDS_H

#include <holm/value.h>

#define PAIR_MAKERS_MAX 4

/* Every type of operation, on one field; some on the record itself, below that field, on another field and another key. */
extern const struct holm_op pair_words[];
extern const size_t pair_word_count;

/*
 * Operations that put something where `word` writes or removes: into its slot, or for a removal into some slots of
 * each kind that it takes away. Returns how many, at most PAIR_MAKERS_MAX. The bytes are the word's and static.
 */
size_t pair_makers(const struct holm_op *word, struct holm_op *makers);

/* Whether an operation puts a cell that carries a stamp which readers go by. */
bool pair_is_stamped(const struct holm_op *word);

#endif
