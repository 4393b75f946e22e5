/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_CONTENT_XML_SCAN_H
#define SLUICE_APP_CONTENT_XML_SCAN_H

#include "app/content_internal.h"

/*
 * What has to be known of XML before the parser gets it, which takes time with
 * the square of the declarations of a DTD or of the attributes of one tag.
 */

/*
 * The length of what stands before the brackets of a DOCTYPE's internal
 * subset, and in *behind where it goes on past them; in.len where there is
 * none. In encodings that ASCII cannot be read in nothing is found.
 */
size_t content_xml_subset(struct span in, size_t *behind);

/* The length of what stands before the first tag that has more than `max` attributes; in.len where none has. */
size_t content_xml_crowded(struct span in, uint32_t max);

#endif
