/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of mlagctl.
 */
#ifndef MLAGCTL_COMMANDS_H
#define MLAGCTL_COMMANDS_H

#include <stdio.h>

/**
 * commands_run() - be mlagctl
 * @argc, @argv: as main() got them
 * @out: for answers
 * @err: for errors
 *
 * Return: the exit code (enum client_exit).
 */
int commands_run(int argc, char *argv[], FILE *out, FILE *err);

#endif
