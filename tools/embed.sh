#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints a file as the elements of a C array, for `static const char x[] = { #include … , 0 };`.
od -An -v -tx1 "$1" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
