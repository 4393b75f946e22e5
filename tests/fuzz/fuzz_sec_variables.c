/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../unit/sec_variables_show.h"

/*
 * A request, byte for byte (the first byte chooses limits): all variables of
 * all phases. Asked again, and with memory that served before, they must say
 * the same; memory stays bounded by what was sent.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const xpaths[] = {"XML:/*", "XML://@*", "XML:/a/b", "XML://text()", "XML:count(//*)", "XML:]"};

static bool shown(int var)
{
    return var != SEC_XML && var != SEC_DURATION;
}

static void show_all(struct sheet *s, struct sec_vars *v)
{
    for (int var = 0; var < SEC_VARS; var++)
        if (shown(var))
            show_variable(s, v, sec_var_name((enum sec_var)var));
    for (size_t i = 0; i < sizeof xpaths / sizeof *xpaths; i++)
        show_variable(s, v, xpaths[i]);
}

static void play_phases(struct sheet *s, struct sec_vars *v, const struct http_tx *tx, unsigned last)
{
    for (unsigned p = 1; p <= last; p++) {
        sec_vars_phase(v, tx, p);
        if (p == 1)
            choose_processor(v, tx);
        size_t from = s->len;
        show_all(s, v);
        size_t n = s->len - from;
        show_all(s, v);
        if (s->len - from != 2 * n || memcmp(s->at + from, s->at + from + n, n) != 0)
            abort();
        s->len = from + n;
    }
}

static void play(struct sheet *s, struct sec_vars *v, const uint8_t *data, size_t size)
{
    static const struct http_options opt = {
        .limits = {.head = 16384, .headers = 100, .body = 65536, .args = 1, .depth = 1, .ratio = 10, .pipelined = 4},
        .want = HTTP_WANT_BODY};
    static const struct sec_connection c = {.client = {.family = 4}, .unique_id = "u"};
    struct http *h = http_new(&opt, false);
    struct span in = span_of(data, size);
    if (!h)
        abort();
    for (int point; (point = http_feed(h, HTTP_TO_SERVER, &in)) > 0;) {
        if (point != HTTP_REQUEST_END)
            continue;
        sec_vars_begin(v, &c);
        play_phases(s, v, http_tx(h), 3);
        if (sec_vars_failed(v) || sec_vars_memory(v) > ((size_t)8 << 20) + size * 128)
            abort();
    }
    http_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    bool tight = data[0] & 1;
    struct sec_settings settings = {.request_body = !(data[0] & 2),
                                    .response_body = true,
                                    .request_body_limit = tight ? 600 : 0,
                                    .request_body_no_files_limit = tight ? 300 : 0,
                                    .request_body_reject = data[0] & 4,
                                    .json_depth = tight ? 3 : 0,
                                    .arguments = tight ? 5 : 1000,
                                    .argument_separator = data[0] & 8 ? ';' : '&'};
    struct sheet one = {0}, two = {0};
    struct sec_vars *v = sec_vars_new(&settings);
    if (!v)
        abort();
    play(&one, v, data + 1, size - 1);
    play(&two, v, data + 1, size - 1);
    if (one.len != two.len || (one.len && memcmp(one.at, two.at, one.len) != 0))
        abort();
    sec_vars_free(v);
    free(one.at);
    free(two.at);
    return 0;
}
