/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "seclang/variables_internal.h"

static void set_address(struct sec_vars *v, enum sec_var var, const struct ip_addr *a)
{
    char text[IP_ADDR_TEXT_MAX];
    if (!a->family) {
        sec_set(v, var, (struct span){0});
        return;
    }
    ip_addr_format(a, text);
    sec_set_copy(v, var, text, strlen(text));
}

void sec_fill_connection(struct sec_vars *v, enum sec_var var)
{
    const struct sec_connection *c = &v->connection;
    switch (var) {
    case SEC_REMOTE_ADDR:
    case SEC_REMOTE_HOST:
        set_address(v, var, &c->client);
        break;
    case SEC_SERVER_ADDR:
        set_address(v, var, &c->server);
        break;
    case SEC_REMOTE_PORT:
        sec_set_number(v, var, c->client_port);
        break;
    case SEC_SERVER_PORT:
        sec_set_number(v, var, c->server_port);
        break;
    default:
        sec_set_copy(v, var, c->unique_id ? c->unique_id : "", c->unique_id ? strlen(c->unique_id) : 0);
        break;
    }
}

/* Local time; months and weekdays count from 0. */
static struct span local_time(struct sec_vars *v, enum sec_var var)
{
    time_t now = (time_t)(v->connection.now_ms / 1000);
    struct tm t;
    if (!localtime_r(&now, &t))
        return (struct span){0};
    switch (var) {
    case SEC_TIME:
        return sec_print(v, "%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);
    case SEC_TIME_DAY:
        return sec_print(v, "%02d", t.tm_mday);
    case SEC_TIME_HOUR:
        return sec_print(v, "%02d", t.tm_hour);
    case SEC_TIME_MIN:
        return sec_print(v, "%02d", t.tm_min);
    case SEC_TIME_MON:
        return sec_print(v, "%d", t.tm_mon);
    case SEC_TIME_SEC:
        return sec_print(v, "%02d", t.tm_sec);
    case SEC_TIME_WDAY:
        return sec_print(v, "%d", t.tm_wday);
    default:
        return sec_print(v, "%d", t.tm_year + 1900);
    }
}

/* Seconds. */
static struct span duration(struct sec_vars *v)
{
    const struct sec_connection *c = &v->connection;
    uint64_t ms = c->now_ms > c->begun_ms ? c->now_ms - c->begun_ms : 0;
    return sec_print(v, "%llu.%03u000", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
}

void sec_fill_time(struct sec_vars *v, enum sec_var var)
{
    if (var == SEC_DURATION)
        sec_set(v, var, duration(v));
    else if (var == SEC_TIME_EPOCH)
        sec_set_number(v, var, v->connection.now_ms / 1000);
    else
        sec_set(v, var, local_time(v, var));
}
