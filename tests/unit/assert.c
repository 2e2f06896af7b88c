/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook of the engine's asserts, for every unit test and the simulator.  The Makefile asks for it by
 * name: which tests need it depends on what the compiler leaves of the library.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mlag.h"

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
	abort();
}
