/* SPDX-License-Identifier: GPL-2.0-only */
/* nearest.h - "did you mean": which known word is meant by a mistyped one. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

/*
 * The word of the NULL-terminated @known that takes the fewest mistakes to become @word: a letter
 * that is missing, too many or another one, or two neighbours swapped (Damerau-Levenshtein). NULL
 * if none is near: more than 3 mistakes, or half of the word's letters. Of several that are equally
 * near the first wins; a word that starts with @word wins over all others.
 */
const char *nearest_word(const char *word, const char *const *known);

#endif
