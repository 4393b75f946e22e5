/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client of the control socket may send as its line: what is taken must be what the same words would say. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"status", "stats", "rules", "reload", "ban", "unban", "bans", "diversion"};

/* Written out again, a request reads as the same one. */
static void check_again(const struct control_request *q)
{
    char line[128], addr[IP_ADDR_TEXT_MAX];
    struct control_request again;
    int n = snprintf(line, sizeof line, "%s", names[q->command]);
    if (q->all)
        n += snprintf(line + n, sizeof line - (size_t)n, " all");
    else if (q->command == CONTROL_BAN || q->command == CONTROL_UNBAN)
        n += snprintf(line + n, sizeof line - (size_t)n, " %s", ip_addr_format(&q->net.addr, addr));
    if (q->prefix)
        n += snprintf(line + n, sizeof line - (size_t)n, "/%u", q->net.prefix);
    if (q->seconds)
        n += snprintf(line + n, sizeof line - (size_t)n, " %u", q->seconds);
    if (control_parse(line, (size_t)n, &again) || again.command != q->command || again.all != q->all ||
        again.prefix != q->prefix || again.seconds != q->seconds || again.net.prefix != q->net.prefix ||
        !ip_addr_equal(&again.net.addr, &q->net.addr))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request q;
    const char *wrong = control_parse((const char *)data, size, &q);
    if (wrong)
        return strpbrk(wrong, "\"\\\n") ? (abort(), 0) : 0; /* it stands in JSON as it is */
    size_t name = strlen(names[q.command]);
    if (size < name || memcmp(data, names[q.command], name) != 0 || q.seconds > DURATION_MAX)
        abort();
    bool args = q.command == CONTROL_BAN || q.command == CONTROL_UNBAN;
    if (!args && size != name)
        abort();
    if (args && !q.all && q.net.prefix != 32 && (q.net.addr.family != 6 || q.net.prefix < 32))
        abort();
    check_again(&q);
    return 0;
}
