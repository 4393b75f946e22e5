/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_RULESET_H
#define SLUICE_INSPECT_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/http.h"
#include "base/diag.h"
#include "net/packet.h"

enum action {
    ACTION_ACCEPT,
    ACTION_DROP,
    ACTION_REJECT,
    ACTION_REPEAT,
    ACTION_MARK,
    ACTION_LOG,
    ACTION_BLOCK,   /* drop, tell both ends as configured, condemn the flow */
    ACTION_SCORE,   /* add to a named score of the request; the search goes on */
    ACTION_OFFLOAD, /* the packet passes; its flow need not come up any more */
    ACTION_CONDEMN, /* drop; the flow's packets die in the kernel, nobody is told */
    ACTION_BAN,     /* as block, and the client's address is banned */
};

/*
 * When a rule is looked at: where all that it reads is known. A rule on what
 * still grows (arguments, anomalies, scores) is looked at each time, unless it
 * could be true now and false later: then at the end.
 */
enum phase {
    PHASE_PACKET,
    PHASE_TO_SERVER,    /* bytes of a stream in order: stream.to_server */
    PHASE_TO_CLIENT,    /* stream.to_client */
    PHASE_REQUEST_HEAD, /* a body follows */
    PHASE_REQUEST_BODY, /* the request is complete: what PHASE_REQUEST_HEAD could not decide */
    PHASE_REQUEST,      /* the request is complete and has no body: both at once */
    PHASE_RESPONSE_HEAD,
    PHASE_RESPONSE_BODY,
    PHASE_RESPONSE,
    PHASE_REQUEST_PART, /* lines of a head that is not complete: what can only become truer */
    PHASE_SCORES,       /* scores were changed from elsewhere: what reads them, once more */
    PHASES
};

/* A rule as events and counters see it; lives as long as its ruleset. */
struct rule {
    uint32_t index; /* position in the ruleset, from 0; counters are kept by it */
    uint32_t id;
    const char *name;
    enum action action;
    uint32_t mark;           /* repeat and mark */
    uint32_t ban_for;        /* ban: seconds, 0: as the settings say */
    uint8_t severity;        /* 1 high, 2 medium, 3 low, 4 info: Suricata's scale */
    bool event;              /* a match writes an event */
    const char *const *tags; /* NULL-terminated */
    const char *file;
    int line;
};

/* An immutable set of compiled rules; workers share it without locks. */
struct ruleset;

struct ruleset_options {
    uint32_t our_marks;   /* bits that repeat and mark may not use */
    uint32_t regex_steps; /* PCRE2 match limit */
    const char *cache;    /* folder for compiled databases; NULL or "": none are kept */
    uint32_t value_max;   /* longest value that a condition is given (http.body at its limit, a stream's window) */
    uint32_t limit_keys;  /* keys that rules' limits count at a time, at most LIMIT_KEYS_MAX; 0: 65,536 */
};

#define LIMIT_KEYS_MAX (1u << 24)

/* What the rules must be given to decide. */
enum ruleset_need {
    RULES_NEED_PAYLOAD = 1 << 0,  /* packets whole; without it headers suffice */
    RULES_NEED_CHECKSUM = 1 << 1, /* transport checksums verified; implies the packets whole */
    RULES_NEED_CT_MARK = 1 << 2,
    RULES_NEED_HTTP = 1 << 3, /* any http field; implies the packets whole */
    RULES_NEED_BODY = 1 << 4,
    RULES_NEED_ARGS = 1 << 5, /* bodies as arguments and files */
    RULES_NEED_RESPONSE = 1 << 6,
    RULES_NEED_RESPONSE_BODY = 1 << 7,
    RULES_NEED_TO_SERVER = 1 << 8, /* stream.to_server; implies the packets whole */
    RULES_NEED_TO_CLIENT = 1 << 9,
};

/*
 * Loads the rule files (paths, already expanded from globs, in order). NULL
 * with every error in d when anything is wrong; memory errors are in d too.
 */
MUST_CHECK struct ruleset *ruleset_load(const char *const *files, size_t n, const struct ruleset_options *opt,
                                        struct diag *d);
void ruleset_free(struct ruleset *rs);

/*
 * Takes over what the limits of `old` have counted, for rules whose id and
 * limit are the same, where limit_keys is. Both count in one table from then
 * on, whichever is freed first. Before rs is in use; main thread.
 */
void ruleset_inherit(struct ruleset *rs, const struct ruleset *old);

size_t ruleset_count(const struct ruleset *rs);
const struct rule *ruleset_rule(const struct ruleset *rs, size_t index);
unsigned ruleset_needs(const struct ruleset *rs);

/* A worker's own working memory for matching (PCRE2 match data and JIT stack). NULL when out of memory. */
struct scratch;
MUST_CHECK struct scratch *scratch_new(const struct ruleset *rs);
void scratch_free(struct scratch *s);

#define DECISION_PASSED_MAX 8

#define COUNTED_MAX 6

/* Of a followed connection: the stream rules' limits that have counted it. Zeroed when it begins, and for other rules.
 */
struct counted {
    uint32_t rules[COUNTED_MAX]; /* indexes + 1 */
};

/* What is to be decided; parts that the phase does not have are NULL or empty. */
struct subject {
    const struct packet *packet; /* always: the packet that completed it */
    struct http_tx *tx;          /* from PHASE_REQUEST_HEAD on; scores are kept in its notes */
    struct span stream;          /* PHASE_TO_SERVER, PHASE_TO_CLIENT: the newest bytes and some before them */
    uint64_t now_ms;             /* monotonic, the same clock for all workers: for limits */
    struct counted
        *counted; /* PHASE_TO_SERVER, PHASE_TO_CLIENT; NULL: limits count each piece that they are asked about */
};

/* Where a rule's condition was met, for events; empty where it was no value. */
struct evidence {
    char what[48];  /* "lower(http.args)", cut where longer */
    char name[48];  /* of the header, argument or cookie */
    char value[96]; /* as compared, from a little before the match on; bytes as they are */
    uint8_t value_len;
};

/* What the rules say of one packet. */
struct decision {
    const struct rule *rule; /* the rule that decided (accept, drop, reject, repeat), or NULL: nothing did, it passes */
    uint32_t mark;           /* the packet mark that mark rules set, where set_mark; a repeat rule brings its own */
    bool set_mark;
    bool undecided;                    /* a regex ran into its limit before a rule decided: on_memory applies */
    const struct rule *undecided_rule; /* the rule whose regex that was, where undecided */
    unsigned passed;                   /* how many mark, log and score rules matched on the way */
    const struct rule *passed_rules[DECISION_PASSED_MAX]; /* the first of them, in order */
    struct evidence evidence[DECISION_PASSED_MAX + 1]; /* of passed_rules; the last is `rule`'s; others are not set */
    int32_t score;                                     /* the greatest of the request's scores */
    unsigned visited;                                  /* how many conditions were evaluated: for tests and the bench */
};

/* How many of the passed rules are in passed_rules. */
static inline unsigned decision_kept(const struct decision *d)
{
    return d->passed < DECISION_PASSED_MAX ? d->passed : DECISION_PASSED_MAX;
}

/* Whether a packet on which a rule of this action decides does not go on. */
static inline bool action_stops(enum action a)
{
    return a == ACTION_DROP || a == ACTION_REJECT || a == ACTION_BLOCK || a == ACTION_CONDEMN || a == ACTION_BAN;
}

/* Decides one subject at a phase. One scratch per thread, which grows with the largest subject; no lock. */
void ruleset_decide(const struct ruleset *rs, struct scratch *s, enum phase phase, const struct subject *subject,
                    struct decision *ret);

/* Whether any rule is looked at in a phase. */
bool ruleset_has(const struct ruleset *rs, enum phase phase);

/* The scores that rules read or add to, and what a request has of them. */
#define RULESET_SCORES_MAX 16
size_t ruleset_scores(const struct ruleset *rs);
struct span ruleset_score_name(const struct ruleset *rs, size_t i);
int32_t ruleset_score(const struct ruleset *rs, const struct http_tx *tx, size_t i);
void ruleset_set_score(const struct ruleset *rs, struct http_tx *tx, size_t i, int32_t score);
/* Whether a rule has accepted the request: nothing more is asked about it. */
bool ruleset_accepted(const struct ruleset *rs, const struct http_tx *tx);

const char *action_name(enum action a);

#endif
