/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/attr.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static int read_error(const struct nlmsghdr *nlh)
{
    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(int32_t))
        return -EPROTO;
    int32_t error;
    memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof error);
    return error > 0 ? -EPROTO : error;
}

int message_open(struct span message, uint16_t type, struct span *attrs)
{
    const struct nlmsghdr *nlh = (const void *)message.data;
    /* mnl_nlmsg_ok takes a length past INT32_MAX for a negative one, and for good. */
    if (message.len > INT32_MAX || !mnl_nlmsg_ok(nlh, (int)message.len) || nlh->nlmsg_len > message.len)
        return -EPROTO;
    if (nlh->nlmsg_type == NLMSG_ERROR)
        return read_error(nlh);
    if (nlh->nlmsg_type != type)
        return 0;
    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
        return -EPROTO;
    *attrs = span_of(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
                     mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg));
    return 1;
}
