/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DETECT_DETECT_H
#define SLUICE_DETECT_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "net/packet.h"

/*
 * The detectors that look at packets one by one, DETECT_SPOOFED, DETECT_SCAN
 * and DETECT_SYN_FLOOD. All workers share one: a source's packets are spread
 * over the queues. Its memory is taken at the beginning and does not grow,
 * whatever comes; no call but the first and last allocates or waits.
 */
struct detect;

/* What a packet, or the number of half-open connections, tells. */
struct finding {
    enum detector_id id;
    enum detect_action action; /* as set for the detector; never DETECT_OFF */
    bool event;                /* to be told: at most one each ten seconds of one kind and source */
    bool over;                 /* DETECT_SYN_FLOOD's end, not its beginning */
    struct ip_addr source;     /* whose packet it is; family 0 where there are many */
    /*
     * DETECT_SCAN: about how many targets it tried in this window; DETECT_SPOOFED: 1;
     * DETECT_SYN_FLOOD: half-open connections, at its end the SYNs that were held up.
     */
    uint64_t count;
    uint64_t held_back; /* findings like it since the last event, where this is one */
};

/*
 * For the detectors of c, which is not kept. `before`: that of the settings
 * until now, or NULL; where they say the same it is returned itself, with all
 * that it knows and one owner more. NULL when out of memory. The main thread.
 */
MUST_CHECK struct detect *detect_new(const struct config *c, size_t workers, struct detect *before);
/* An owner less; the last one frees it. Accepts NULL. */
void detect_free(struct detect *d);

/* What must come up for the detectors of c. */
enum detect_need {
    DETECT_NEEDS_SCAN = 1 << 0,    /* TCP, UDP, ICMP of ct state new and invalid, whatever the port */
    DETECT_NEEDS_SYN = 1 << 1,     /* SYNs, and the clients' first data */
    DETECT_NEEDS_SPOOFED = 1 << 2, /* what comes from inside addresses and is new */
};
unsigned detect_needs(const struct config *c);

/*
 * Looks at a packet before the rules do. False: nothing is wrong with it. True:
 * ret tells what; with DETECT_DROP and DETECT_BAN it must not go on. now_ms:
 * any steady clock, the same for all workers.
 */
bool detect_packet(struct detect *d, size_t worker, const struct packet *p, uint64_t now_ms, struct finding *ret);

/*
 * A worker's half-open connections, told once a batch. True, with an event in
 * ret, where a flood began with it, or ended.
 */
bool detect_half_open(struct detect *d, size_t worker, size_t half_open, uint64_t now_ms, struct finding *ret);

/* Bytes that it takes. */
size_t detect_memory(const struct detect *d);

#endif
