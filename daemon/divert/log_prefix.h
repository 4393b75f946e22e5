/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_LOG_PREFIX_H
#define SLUICE_DIVERT_LOG_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "divert/plan.h"

/* What in our tables tells of a packet by NFLOG, and the words in which it says who it is. */
enum log_source { LOG_RULE, LOG_DETECTOR, LOG_ARP, LOG_ETHERTYPE };

struct log_origin {
    enum log_source source;
    uint32_t id;             /* the rule's, or enum detector_id */
    enum plan_action action; /* as it is written: of a rule; of a detector PLAN_ACCEPT (it only logs) or PLAN_DROP */
    bool monitor;            /* nothing came of it */
};

#define LOG_PREFIX_MAX 48

/* Writes the prefix; buf has LOG_PREFIX_MAX bytes. Returns buf. */
const char *log_prefix(const struct log_origin *o, char *buf);

/* Reads it; false where it is none of ours. */
MUST_CHECK bool log_prefix_parse(struct span text, struct log_origin *ret);

#endif
