/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "config/rule_files.h"

/* Digits of a prefix length, at most max; -1 when it is none. */
static int prefix_of(const char *text, int max)
{
    int v = 0;
    if (!*text || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
        return -1;
    for (; *text; text++)
        v = v * 10 + (*text - '0');
    return v <= max ? v : -1;
}

static bool host_bits_set(const unsigned char *addr, int size, int prefix)
{
    for (int bit = prefix; bit < size * 8; bit++) {
        if (addr[bit / 8] & (0x80 >> bit % 8))
            return true;
    }
    return false;
}

/* NULL, or what is wrong with an address or network. */
static const char *network_fault(const char *text)
{
    char addr[64];
    unsigned char bytes[16];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof addr)
        return "no address";
    memcpy(addr, text, len);
    addr[len] = '\0';
    int size = inet_pton(AF_INET, addr, bytes) == 1 ? 4 : inet_pton(AF_INET6, addr, bytes) == 1 ? 16 : 0;
    if (size == 0)
        return "no address";
    int prefix = slash ? prefix_of(slash + 1, size * 8) : size * 8;
    if (prefix < 0)
        return size == 4 ? "prefix not from 0 to 32" : "prefix not from 0 to 128";
    return host_bits_set(bytes, size, prefix) ? "bits set behind the prefix" : NULL;
}

void networks_read(const struct reader *r, const config_setting_t *group, const char *key, struct config_strings *ret)
{
    const config_setting_t *list = reader_list(r, group, key);
    for (unsigned i = 0; list && i < (unsigned)config_setting_length(list); i++) {
        const config_setting_t *s = config_setting_get_elem(list, i);
        const char *text = config_setting_get_string(s);
        const char *fault = text ? network_fault(text) : NULL;
        if (!text)
            reader_error(r, s, "an address in %s is %s, expected a string as \"192.0.2.0/24\"", key, reader_type(s));
        else if (fault)
            reader_error(r, s, "bad address \"%s\" in %s (%s), expected one as \"192.0.2.1\" or \"2001:db8::/32\"",
                         text, key, fault);
        else if (!strings_add(ret, text))
            reader_error(r, s, "out of memory");
    }
}
