#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: what it adds to web_block is not the kernel's
# What crs shows, with version 4 of the Core Rule Set and attacks of its tests; where its folder is there.
CRS=crs_4
. "$(dirname "$0")/crs.sh"
