/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_MULTIPART_INTERNAL_H
#define SLUICE_SECLANG_MULTIPART_INTERNAL_H

#include "seclang/variables_internal.h"

/* Bytes of a line that are looked at together. */
#define MULTIPART_PIECE ((size_t)4096)
/* Header lines of a part; more are an error. */
#define MULTIPART_HEADERS 128
#define MULTIPART_TYPE_MAX 1024

struct part_header {
    struct span name, value;
    struct sec_bytes folded; /* the value, once lines were put behind it */
};

struct part {
    bool in_data;  /* behind the empty line */
    bool has_data; /* a line of it was read */
    bool file;
    struct span name, filename;
    struct part_header headers[MULTIPART_HEADERS];
    uint32_t n_headers, last; /* last: the header that a fold continues, + 1; 0: none */
    bool pending;             /* it is not among the part headers yet */
    struct span line;         /* it, as sent, where nothing was folded */
    uint32_t first_line;      /* of the part headers, which is this part's */
    struct sec_bytes text;    /* its data without line ends, where it has several lines */
    struct span data;
    uint64_t size;    /* of its data with line ends, but for the last */
    size_t held_back; /* bytes of the line end behind the last line */
};

struct multipart {
    struct sec_vars *v;
    struct span boundary;
    struct span delimiter; /* with the two dashes */
    const char *error;     /* the last; NULL: none */
    struct span detail;
    struct part part;
    bool in_part, complete;
    uint32_t boundaries;
    uint64_t length; /* of headers and of data that is no file's */
    uint64_t files_size;
    size_t disposition_budget; /* bytes of Content-Disposition that may be read again */
    bool bare_lf;              /* the line before ended in LF alone */
    unsigned unmatched;
    bool failed, data_before, data_after, header_folding, boundary_quoted, lf_line, crlf_line, boundary_whitespace,
        missing_semicolon, invalid_quoting, invalid_part, invalid_header_folding;
};

static inline void multipart_error(struct multipart *m, const char *text, struct span detail)
{
    m->error = text;
    m->detail = detail;
}

/* multipart_type.c: the boundary of a Content-Type. False where there is none that is good. */
bool multipart_boundary(struct multipart *m, struct span type);

/* multipart_header.c: a line among a part's headers, with its line end. */
void multipart_header(struct multipart *m, struct span line);

/* disposition.c: form-data with name and filename; 1, or a negative number that says what is wrong. */
int multipart_disposition(struct multipart *m, struct span value);

#endif
