/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "divert/table.h"

int divert_show(const struct divert *d, const struct config *c, const struct plan *p, FILE *out)
{
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    int err = tx ? table_write(tx, d, c, p, DIVERT_QUEUE) : -ENOMEM;
    if (!err)
        err = nft_show(tx, out);
    nft_free(tx);
    return err;
}
