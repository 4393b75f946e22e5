/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_RUN_SUITE_H
#define SLUICE_TESTS_RUN_SUITE_H

#include <check.h>

/* Runs a suite and frees it; the program's exit status. */
static inline int run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

#endif
