// SPDX-License-Identifier: BSD-2-Clause
/*
 * mlagctl: main() only, so that tests can link everything else.
 */
#include "commands.h"

int main(int argc, char *argv[])
{
	return commands_run(argc, argv, stdout, stderr);
}
