/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay of what a daemon recorded (lib/record.h): make sim REPLAY=file.
 */
#ifndef MLAG_TESTS_REPLAY_H
#define MLAG_TESTS_REPLAY_H

/**
 * replay_file() - tell an engine what another one was told, and the story of it
 *
 * Return: 0 when everything came that had come then, or was told after a gap; 1 when something else
 * came; 3 when the file cannot be read or makes no sense.
 */
int replay_file(const char *path);

#endif
