/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/counters.h"

static const char *const names[COUNTERS] = {
    [COUNT_RECEIVED] = "received",
    [COUNT_BYTES] = "bytes",
    [COUNT_ACCEPTED] = "accepted",
    [COUNT_DROPPED] = "dropped",
    [COUNT_REJECTED] = "rejected",
    [COUNT_REPEATED] = "repeated",
    [COUNT_RETRIED] = "retried",
    [COUNT_BY_RULE] = "by_rule",
    [COUNT_NO_RULE] = "no_rule",
    [COUNT_NOT_GUARDED] = "not_guarded",
    [COUNT_UNDECIDED] = "undecided",
    [COUNT_CUT_SHORT] = "cut_short",
    [COUNT_MONITORED] = "monitored",
    [COUNT_ANOMALOUS] = "anomalous",
    [COUNT_BATCHES] = "batches",
    [COUNT_OVERRUNS] = "overruns",
    [COUNT_MALFORMED] = "malformed",
    [COUNT_ERRORS] = "errors",
    [COUNT_SEND_RETRIES] = "send_retries",
    [COUNT_ANSWERS] = "answers",
    [COUNT_ANSWERS_WITHHELD] = "answers_withheld",
    [COUNT_EVENTS] = "events",
    [COUNT_EVENTS_LOST] = "events_lost",
};

const char *counter_name(enum counter c)
{
    return names[c];
}
