/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/counters.h"

static const char *const names[COUNTERS] = {
    [COUNT_RECEIVED] = "received",
    [COUNT_BYTES] = "bytes",
    [COUNT_ACCEPTED] = "accepted",
    [COUNT_DROPPED] = "dropped",
    [COUNT_REJECTED] = "rejected",
    [COUNT_BLOCKED] = "blocked",
    [COUNT_REPEATED] = "repeated",
    [COUNT_RETRIED] = "retried",
    [COUNT_BY_RULE] = "by_rule",
    [COUNT_NO_RULE] = "no_rule",
    [COUNT_NOT_GUARDED] = "not_guarded",
    [COUNT_UNDECIDED] = "undecided",
    [COUNT_CUT_SHORT] = "cut_short",
    [COUNT_MONITORED] = "monitored",
    [COUNT_ANOMALOUS] = "anomalous",
    [COUNT_FLOWS] = "flows",
    [COUNT_FLOWS_BEGUN] = "flows_begun",
    [COUNT_FLOWS_ENDED] = "flows_ended",
    [COUNT_FLOWS_EVICTED] = "flows_evicted",
    [COUNT_FLOWS_MIDSTREAM] = "flows_midstream",
    [COUNT_STREAM_BYTES] = "stream_bytes",
    [COUNT_STREAM_DROPPED] = "stream_dropped",
    [COUNT_STREAM_DIFFERS] = "stream_differs",
    [COUNT_STREAM_OUTSIDE] = "stream_outside",
    [COUNT_STREAM_NO_MEMORY] = "stream_no_memory",
    [COUNT_CONDEMNED] = "condemned",
    [COUNT_CONDEMNED_PACKETS] = "condemned_packets",
    [COUNT_REQUESTS] = "requests",
    [COUNT_RESPONSES] = "responses",
    [COUNT_HTTP_ANOMALOUS] = "http_anomalous",
    [COUNT_PAGES] = "pages",
    [COUNT_RESETS] = "resets",
    [COUNT_BATCHES] = "batches",
    [COUNT_OVERRUNS] = "overruns",
    [COUNT_MALFORMED] = "malformed",
    [COUNT_ERRORS] = "errors",
    [COUNT_SEND_RETRIES] = "send_retries",
    [COUNT_ANSWERS] = "answers",
    [COUNT_ANSWERS_WITHHELD] = "answers_withheld",
    [COUNT_EVENTS] = "events",
    [COUNT_ALERTS] = "alerts",
    [COUNT_EVENTS_LOST] = "events_lost",
};

const char *counter_name(enum counter c)
{
    return names[c];
}
