/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded: while the file that $LAB_NO_MEMORY names begins with '1', no
 * memory is to be had; memory that is there can be given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

/* glibc's own, behind the names that are taken here. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static const volatile char *refused;

__attribute__((constructor)) static void look_for_orders(void)
{
    const char *name = getenv("LAB_NO_MEMORY");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        refused = at;
}

static int is_refused(void)
{
    if (!refused || *refused != '1')
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_refused() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    if (is_refused())
        return ENOMEM;
    *ret = __libc_memalign(alignment, size);
    return *ret ? 0 : ENOMEM;
}
