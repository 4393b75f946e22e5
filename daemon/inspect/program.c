/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/program.h"

long program_add_set(struct program *pg, enum set_type type)
{
    if (!vec_room(&pg->sets, pg->n_sets, 1, &pg->cap_sets, sizeof *pg->sets))
        return -1;
    struct set *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    s->type = type;
    pg->sets[pg->n_sets] = s;
    return (long)pg->n_sets++;
}

long program_add_string(struct program *pg, const void *data, size_t len)
{
    return strtab_add(&pg->strings, data, len);
}

long program_add_operand(struct program *pg, const struct operand *o)
{
    const uint32_t key[] = {o->field, o->what, o->transform, o->parent, o->selector};
    size_t n = pg->operand_keys.n;
    if (!vec_room(&pg->operands, n, 1, &pg->cap_operands, sizeof *pg->operands))
        return -1;
    long number = strtab_add(&pg->operand_keys, key, sizeof key);
    if (pg->operand_keys.n > n)
        pg->operands[number] = *o;
    return number;
}

long program_add_pattern(struct program *pg, uint32_t operand, enum test_op op, uint32_t ref)
{
    const uint32_t key[] = {operand, op, ref};
    size_t n = pg->pattern_keys.n;
    if (!vec_room(&pg->patterns, n, 1, &pg->cap_patterns, sizeof *pg->patterns))
        return -1;
    long number = strtab_add(&pg->pattern_keys, key, sizeof key);
    if (pg->pattern_keys.n > n)
        pg->patterns[number] = (struct pattern){.operand = operand, .ref = ref, .op = (uint8_t)op};
    return number;
}

long program_add_byte_set(struct program *pg, const struct byte_set *s)
{
    if (!vec_room(&pg->byte_sets, pg->n_byte_sets, 1, &pg->cap_byte_sets, sizeof *pg->byte_sets))
        return -1;
    pg->byte_sets[pg->n_byte_sets] = *s;
    return (long)pg->n_byte_sets++;
}

long program_add_regex(struct program *pg, struct span pattern, char *why, size_t size, size_t *at)
{
    size_t n = pg->regex_texts.n;
    long number = strtab_find(&pg->regex_texts, pattern.data, pattern.len);
    snprintf(why, size, "out of memory");
    *at = 0;
    if (number >= 0)
        return number;
    if (!vec_room(&pg->regexes, n, 1, &pg->cap_regexes, sizeof *pg->regexes))
        return -1;
    struct regex *r = regex_new(pattern, why, size, at);
    if (!r)
        return -1;
    number = strtab_add(&pg->regex_texts, pattern.data, pattern.len);
    if (number < 0)
        regex_free(r);
    else
        pg->regexes[number] = r;
    return number;
}

long program_add_score(struct program *pg, const char *name, size_t len)
{
    long number = strtab_find(&pg->scores, name, len);
    if (number >= 0)
        return number;
    return pg->scores.n < SCORES_MAX ? strtab_add(&pg->scores, name, len) : -1;
}

void program_trim(struct program *pg)
{
    vec_trim(&pg->tests, pg->n_tests, &pg->cap_tests, sizeof *pg->tests);
    vec_trim(&pg->ranges, pg->n_ranges, &pg->cap_ranges, sizeof *pg->ranges);
    vec_trim(&pg->nets, pg->n_nets, &pg->cap_nets, sizeof *pg->nets);
    vec_trim(&pg->sets, pg->n_sets, &pg->cap_sets, sizeof *pg->sets);
    vec_trim(&pg->byte_sets, pg->n_byte_sets, &pg->cap_byte_sets, sizeof *pg->byte_sets);
    vec_trim(&pg->operands, pg->operand_keys.n, &pg->cap_operands, sizeof *pg->operands);
    vec_trim(&pg->patterns, pg->pattern_keys.n, &pg->cap_patterns, sizeof *pg->patterns);
}

void program_free(struct program *pg)
{
    for (size_t i = 0; i < pg->n_sets; i++) {
        set_free(pg->sets[i]);
        free(pg->sets[i]);
    }
    for (size_t i = 0; pg->regexes && i < pg->regex_texts.n; i++)
        regex_free(pg->regexes[i]);
    free(pg->tests);
    free(pg->ranges);
    free(pg->nets);
    free(pg->sets);
    free(pg->byte_sets);
    free(pg->regexes);
    free(pg->operands);
    free(pg->patterns);
    strtab_free(&pg->strings);
    strtab_free(&pg->regex_texts);
    strtab_free(&pg->operand_keys);
    strtab_free(&pg->pattern_keys);
    strtab_free(&pg->scores);
    *pg = (struct program){0};
}
