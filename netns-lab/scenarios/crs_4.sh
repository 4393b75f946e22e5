#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: what it adds to web_block is not the kernel's
# where the Core Rule Set is: ../shared/crs beside the repository, or $SLUICE_CRS
# What crs shows, with version 4 of the Core Rule Set and attacks of its tests.
CRS=crs_4
. "$(dirname "$0")/crs.sh"
