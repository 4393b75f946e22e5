/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

struct answer {
    struct link link;
    uint32_t master;
};

static int read_info(const struct nlattr *a, void *data)
{
    struct answer *ret = data;
    if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_KIND)
        ret->link.bridge_port = strcmp(mnl_attr_get_str(a), "bridge") == 0;
    return MNL_CB_OK;
}

static int read_attr(const struct nlattr *a, void *data)
{
    struct answer *ret = data;
    if (mnl_attr_get_type(a) == IFLA_MASTER && mnl_attr_get_payload_len(a) >= 4)
        ret->master = mnl_attr_get_u32(a);
    else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
        return mnl_attr_parse_nested(a, read_info, data);
    return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *nlh, void *data)
{
    struct answer *ret = data;
    if (nlh->nlmsg_type != RTM_NEWLINK)
        return MNL_CB_OK;
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
    ret->link.index = (uint32_t)info->ifi_index;
    return mnl_attr_parse(nlh, sizeof *info, read_attr, data);
}

static int ask(struct mnl_socket *nl, const char *name, struct answer *ret)
{
    uint8_t buf[32768];
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = RTM_GETLINK;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    nlh->nlmsg_seq = (uint32_t)time(NULL);
    uint32_t seq = nlh->nlmsg_seq;
    mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    int r = MNL_CB_OK;
    while (r > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof buf);
        if (n < 0)
            return -errno;
        r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl), read_link, ret);
    }
    return r < 0 ? -errno : 0;
}

int link_read(const char *name, struct link *ret)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl)
        return -errno;
    struct answer answer = {0};
    int err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : ask(nl, name, &answer);
    mnl_socket_close(nl);
    if (err)
        return err;
    if (answer.link.bridge_port && !if_indextoname(answer.master, answer.link.bridge))
        return -errno;
    *ret = answer.link;
    return 0;
}
