/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "match/database.h"

#define MAGIC "SLUICEV1"
#define SUFFIX ".hsdb"
#define FILE_MAX ((off_t)1 << 30)
#define KEEP_S (30L * 24 * 3600)
#define NAME_HEX (2 * SHA256_DIGEST_SIZE)
#define PATH_MAX_LEN 4096

/* Then the modes and the database. Machines differ, so do the digests: numbers are in this one's order. */
struct header {
    char magic[8];
    uint8_t recipe[SHA256_DIGEST_SIZE];
    uint8_t payload[SHA256_DIGEST_SIZE];
    uint32_t patterns, shortest;
    uint64_t length; /* of the database */
};

static void add(struct sha256_ctx *c, const void *data, size_t len)
{
    uint64_t n = len;
    sha256_update(c, sizeof n, (const uint8_t *)&n);
    sha256_update(c, len, data);
}

static void digest_recipe(const struct recipe *r, uint8_t digest[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx c;
    hs_platform_info_t platform = {0};
    (void)hs_populate_platform(&platform);
    sha256_init(&c);
    add(&c, MAGIC, 8);
    add(&c, hs_version(), strlen(hs_version()));
    add(&c, &platform.tune, sizeof platform.tune);
    add(&c, &platform.cpu_features, sizeof platform.cpu_features);
    add(&c, &r->patterns, sizeof r->patterns);
    for (size_t i = 0; i < r->n; i++) {
        add(&c, &r->flags[i], sizeof r->flags[i]);
        add(&c, &r->ids[i], sizeof r->ids[i]);
        add(&c, r->texts[i], strlen(r->texts[i]));
    }
    sha256_digest(&c, SHA256_DIGEST_SIZE, digest);
}

static void digest_payload(const struct header *h, const uint8_t *modes, const void *db, uint8_t *digest)
{
    struct sha256_ctx c;
    sha256_init(&c);
    add(&c, &h->shortest, sizeof h->shortest);
    add(&c, modes, h->patterns);
    add(&c, db, h->length);
    sha256_digest(&c, SHA256_DIGEST_SIZE, digest);
}

static bool path_of(char path[PATH_MAX_LEN], const char *folder, const uint8_t digest[SHA256_DIGEST_SIZE],
                    const char *suffix)
{
    char hex[NAME_HEX + 1];
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    int n = snprintf(path, PATH_MAX_LEN, "%s/%s%s", folder, hex, suffix);
    return n > 0 && n < PATH_MAX_LEN;
}

/* Nobody but us and root may have written it: a database is trusted as code is. */
static bool is_ours(int fd, off_t *size)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return false;
    *size = st.st_size;
    return (st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* The whole file, to be freed; NULL when there is none to be used. Notes that it was used. */
static uint8_t *read_whole(const char *path, size_t *len)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    off_t size = 0;
    if (fd < 0 || !is_ours(fd, &size))
        return NULL;
    uint8_t *bytes = malloc((size_t)size + 1);
    size_t have = 0;
    while (bytes && have < (size_t)size) {
        ssize_t n = read(fd, bytes + have, (size_t)size - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    *len = have;
    (void)futimens(fd, NULL);
    return bytes;
}

static bool unpack(const struct recipe *r, const uint8_t *digest, const uint8_t *bytes, size_t len,
                   struct cache_entry *ret)
{
    struct header h;
    uint8_t sum[SHA256_DIGEST_SIZE];
    if (len < sizeof h)
        return false;
    memcpy(&h, bytes, sizeof h);
    if (memcmp(h.magic, MAGIC, 8) != 0 || memcmp(h.recipe, digest, sizeof h.recipe) != 0 || h.patterns != r->patterns ||
        len - sizeof h < h.patterns || h.length != len - sizeof h - h.patterns)
        return false;
    const uint8_t *modes = bytes + sizeof h, *db = modes + h.patterns;
    digest_payload(&h, modes, db, sum);
    if (memcmp(sum, h.payload, sizeof sum) != 0)
        return false;
    ret->modes = malloc(h.patterns + 1);
    if (!ret->modes)
        return false;
    memcpy(ret->modes, modes, h.patterns);
    ret->shortest = h.shortest;
    if (hs_deserialize_database((const char *)db, h.length, &ret->db) == HS_SUCCESS)
        return true;
    free(ret->modes);
    *ret = (struct cache_entry){0};
    return false;
}

bool cache_load(const char *folder, const struct recipe *r, struct cache_entry *ret)
{
    char path[PATH_MAX_LEN];
    uint8_t digest[SHA256_DIGEST_SIZE];
    size_t len = 0;
    if (!folder || !*folder)
        return false;
    digest_recipe(r, digest);
    if (!path_of(path, folder, digest, SUFFIX))
        return false;
    AUTO_FREE uint8_t *bytes = read_whole(path, &len);
    return bytes && unpack(r, digest, bytes, len, ret);
}

static bool write_whole(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Under another name first: a reader never sees half a file. */
static void write_file(const char *folder, const struct header *h, const uint8_t *modes, const char *db)
{
    char path[PATH_MAX_LEN], temporary[PATH_MAX_LEN];
    if (!path_of(path, folder, h->recipe, SUFFIX) || !path_of(temporary, folder, h->recipe, SUFFIX ".XXXXXX"))
        return;
    AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return;
    bool good = write_whole(fd, h, sizeof *h) && write_whole(fd, modes, h->patterns) && write_whole(fd, db, h->length);
    if (!good || rename(temporary, path))
        (void)unlink(temporary);
}

void cache_store(const char *folder, const struct recipe *r, const struct cache_entry *e)
{
    struct header h = {.patterns = r->patterns, .shortest = e->shortest};
    char *db = NULL;
    size_t length = 0;
    if (!folder || !*folder || hs_serialize_database(e->db, &db, &length) != HS_SUCCESS)
        return;
    h.length = length;
    memcpy(h.magic, MAGIC, 8);
    digest_recipe(r, h.recipe);
    digest_payload(&h, e->modes, db, h.payload);
    write_file(folder, &h, e->modes, db);
    free(db);
}

/* <64 hexadecimal digits>.hsdb, or a temporary of that. */
static bool is_our_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == NAME_HEX && strncmp(name + NAME_HEX, SUFFIX, strlen(SUFFIX)) == 0;
}

void cache_tidy(const char *folder)
{
    DIR *d = folder && *folder ? opendir(folder) : NULL;
    time_t old = time(NULL) - KEEP_S;
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (is_our_name(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_mtime < old)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}
