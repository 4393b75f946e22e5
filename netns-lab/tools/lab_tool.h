/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LAB_TOOL_H
#define LAB_TOOL_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Set by SIGTERM and SIGINT once lab_stop_on_signal() was called. */
extern volatile sig_atomic_t lab_stopped;
void lab_stop_on_signal(void);

/* Prints "what: reason" for errno and exits with 2. */
_Noreturn void lab_die(const char *what);

/* An address (no names are looked up) and port; exits with 2 where it is none. */
socklen_t lab_address(const char *host, uint16_t port, struct sockaddr_storage *ret);
uint16_t lab_port(const char *text);
long long lab_number(const char *text, long long min, long long max);

/* A socket bound to [::]:port that also takes IPv4. */
int lab_bind_any(int type, uint16_t port);

uint64_t lab_now_ns(void);
void lab_sleep_until_ns(uint64_t when);

/*
 * A datagram of udp_blast: 8 bytes of tag, padded with spaces, then the
 * sequence number in network order, then padding.
 */
#define LAB_TAG_LEN 8
#define LAB_HEAD_LEN 16
#define LAB_TAG_GOOD "good    "
void lab_put_seq(uint8_t *at, uint64_t seq);
uint64_t lab_get_seq(const uint8_t *at);

#endif
