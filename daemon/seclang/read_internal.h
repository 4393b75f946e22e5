/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_READ_INTERNAL_H
#define SLUICE_SECLANG_READ_INTERNAL_H

#include "seclang/syntax.h"

/* What the reader's files share: the state of a reading, and each part's entry. */

/* A line of a file, its continuations joined; the text is the file's buffer in the arena. */
struct sec_line {
    const char *file;
    const char *text;
    size_t len;
    struct sec_part { /* where each physical line begins in text */
        size_t at;
        int line;
    } * parts;
    size_t n_parts, cap_parts;
};

/* A word of a line: quotes taken off, escapes left as they are. */
struct sec_word {
    struct span text;
    const char *at; /* its first byte, the quote where there is one: for errors */
    char quote;     /* '"', '\'' or 0 */
};

/* A place in a file, kept for errors that come later. */
struct sec_place {
    const char *file;
    int line, col;
};

#define SEC_OWN_TRANSFORMS 64
#define SEC_T_NONE 0xff

/* Where a list of actions stands. */
enum sec_list { SEC_IN_RULE = 1, SEC_IN_DEFAULT = 2, SEC_IN_UPDATE = 4 };

/* What the actions of a list say, before defaults are known. */
struct sec_draft {
    struct sec_rule rule;
    struct sec_place place;
    uint8_t in; /* enum sec_list */
    bool chain, block, removed;
    bool has_id, has_phase, has_disruptive, has_status, has_log, has_audit_log, has_message, has_log_data, has_severity;
    uint64_t skip;
    uint8_t own[SEC_OWN_TRANSFORMS]; /* t: in order, SEC_T_NONE for t:none */
    unsigned n_own;
    struct sec_draft *next; /* the chain's next link */
};

/* A rule or a marker, in the order of the files. */
struct sec_item {
    struct sec_draft *draft; /* NULL: a marker */
    struct span marker;
    struct sec_place place;
};

enum sec_change_how { SEC_REMOVE, SEC_UPDATE_TARGETS, SEC_UPDATE_ACTIONS };
enum sec_change_by { SEC_CHANGE_BY_ID, SEC_CHANGE_BY_TAG, SEC_CHANGE_BY_MSG };

/* A SecRuleRemove… or SecRuleUpdate…: it holds for all rules, also for those that come later. */
struct sec_change {
    enum sec_change_how how;
    enum sec_change_by by;
    struct sec_id_range *ids;
    uint32_t n_ids;
    struct span text;
    struct sec_target *targets;
    uint32_t n_targets;
    struct sec_draft *actions;
    struct sec_place place;
};

struct sec_include {
    uint64_t dev, ino;
    const struct sec_include *up;
};

struct sec_reader {
    struct sec_program *p;
    struct diag *d;
    bool skip_unknown;
    bool failed; /* memory is out */
    struct sec_line line;
    unsigned files, depth;
    const struct sec_include *open; /* files that are being read */
    struct sec_item *items;
    size_t n_items, cap_items;
    struct sec_change *changes;
    size_t n_changes, cap_changes;
    struct sec_draft *defaults[SEC_PHASES];
    /* The rule that is being read: */
    bool unknown;            /* it has something that is not known and is to be skipped */
    struct sec_draft *first; /* the open chain's first link */
    struct sec_draft *last;
    bool chain_skipped; /* an open chain that is left out */
};

/* A copy of the place of a byte of the current line. */
struct sec_place sec_place_of(const struct sec_reader *r, const char *at);
/* An error at a byte of the current line. */
void sec_error(struct sec_reader *r, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void sec_error_at(struct sec_reader *r, const struct sec_place *p, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * Something that is not known: an error, or with skip_unknown a warning.
 * `names` (NULL-terminated, or NULL) are what it could have been.
 */
void sec_unknown(struct sec_reader *r, const char *what, struct span name, const char *const *names);
/* The same for what is known but not done here, with the reason. */
void sec_refused(struct sec_reader *r, const char *what, struct span name, const char *reason);
/* The same with a warning whatever the options say: the rule is skipped. */
void sec_left_out(struct sec_reader *r, const char *what, struct span name, const char *reason);

/* Memory of the program: NULL, with failed set, when there is none. */
void *sec_alloc(struct sec_reader *r, size_t n);
/* Room for one element more behind n of *v, which lives in the arena. */
void *sec_push(struct sec_reader *r, void *v, uint32_t n, size_t size);

/* Joins the next line from *at on of a file's text, in place; false at its end. */
bool sec_line_next(struct sec_reader *r, char *text, size_t len, size_t *at, int *line);
/* The next word; false at the line's end or, with an error, at a quote that is not closed. */
bool sec_word_next(struct sec_reader *r, size_t *at, struct sec_word *ret);
/* The targets of a SecRule: quotes stand inside it. */
bool sec_word_targets(struct sec_reader *r, size_t *at, struct sec_word *ret);
/* What is left of the line, without space around it. */
struct sec_word sec_word_rest(const struct sec_reader *r, size_t at);

struct span sec_trim(struct span s);
bool sec_same(struct span s, const char *name); /* in any case */
bool sec_number(struct span s, uint64_t max, uint64_t *ret);
/* "1", "1-3", several with commas or spaces between. */
bool sec_ids(struct sec_reader *r, struct span s, struct sec_id_range **ids, uint32_t *n);
const char *sec_chars(struct span s); /* for errors within it */

bool sec_text_read(struct sec_reader *r, struct span s, struct sec_text *ret);
bool sec_target_read(struct sec_reader *r, struct span s, struct sec_target *ret);
bool sec_targets_read(struct sec_reader *r, struct span s, struct sec_target **targets, uint32_t *n);
int sec_var_of(struct sec_reader *r, struct span name);
bool sec_operator_read(struct sec_reader *r, const struct sec_word *w, struct sec_rule *rule);

/* The name of a collection that can be written to; -1 where it is none. */
int sec_collection(struct sec_reader *r, struct span name);
bool sec_setvar_read(struct sec_reader *r, struct span s, struct sec_rule *rule);
bool sec_setenv_read(struct sec_reader *r, struct span s, struct sec_rule *rule);
bool sec_expire_read(struct sec_reader *r, struct span s, struct sec_rule *rule);
bool sec_initcol_read(struct sec_reader *r, struct span s, struct sec_rule *rule);
bool sec_key_read(struct sec_reader *r, enum sec_var collection, struct span s, struct sec_rule *rule);
bool sec_ctl_read(struct sec_reader *r, struct span s, struct sec_rule *rule);
bool sec_transform_read(struct sec_reader *r, struct span s, struct sec_draft *d);
/* A list of actions; errors are in r's diag. */
void sec_actions_read(struct sec_reader *r, struct span list, struct sec_draft *d);

/* A directive that sets something; false where there is none of that name. */
bool sec_setting_read(struct sec_reader *r, struct span name, size_t at);
/* SecRuleRemove… and SecRuleUpdate…; false where there is none of that name. */
bool sec_change_read(struct sec_reader *r, struct span name, size_t at);
const char *const *sec_setting_names(void);

void sec_settings_default(struct sec_settings *s);

/* Defaults, changes, order and skips. */
void sec_finish(struct sec_reader *r);

#endif
