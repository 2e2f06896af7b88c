// SPDX-License-Identifier: BSD-2-Clause
/*
 * mlagctl: main() only, so that tests can link everything else.
 */
#include <jansson.h>

#include "commands.h"
#include "common/reserve.h"

int main(int argc, char *argv[])
{
	json_set_alloc_funcs(reserve_malloc, reserve_free);
	return commands_run(argc, argv, stdout, stderr);
}
