/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_NET_CRC32C_H
#define SLUICE_NET_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#define CRC32C_START 0xffffffffu

/* CRC32c (RFC 9260, appendix A) over len more bytes; begins with CRC32C_START, the result is the complement. Any
 * thread. */
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);
/* The same without the processor's instruction, for processors that lack it. */
uint32_t crc32c_add_portable(uint32_t crc, const void *data, size_t len);

#endif
