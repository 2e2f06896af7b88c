/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of the simulator beyond those of chaos.c: kernels that lose and leave out, others who change
 * entries, reloads, carriers that flap, and rows that change in memory.  All drawn from a stream of
 * their own (world_fault_random()), so the lives of kept seeds stay what they were but for these.
 */
#ifndef MLAG_TESTS_FAULTS_H
#define MLAG_TESTS_FAULTS_H

#include "world.h"

/** faults_begin() - what the two members speak in this life */
void faults_begin(struct world *world);

/** faults_stir() - perhaps one of them; during chaos */
void faults_stir(struct world *world);

/** faults_lie() - perhaps one of those that stream 0 has not (worldlies.c); during chaos */
void faults_lie(struct world *world);

/** faults_heal() - carriers are told, clocks go, and timers are what they were */
void faults_heal(struct world *world);

/** faults_damage() - change rows in memory and demand that it is found and repaired (LIVE-10) */
const char *faults_damage(struct world *world);

/**
 * faults_check() - nothing was found to differ that nobody had changed: a repair is never a crutch
 *
 * A text or NULL.
 */
const char *faults_check(const struct world *world);

/** faults_text() - the word for a fault */
const char *faults_text(enum world_fault fault);

#endif
