// SPDX-License-Identifier: Apache-2.0
//
// libpmemobj doing the transactions that Holdfast does beside it.
//
// pmemobj FILE POOLBYTES AREABYTES. Makes a pool, says ready, then reads commands from standard input and answers
// each with the nanoseconds that it took:
//
//   tx WORDS N     N transactions of WORDS snapshots and stores of 8 bytes, in lines that are 17 apart
//   alloc LIVE N   N transactions that free one of LIVE blocks of 64 bytes, and allocate and fill another; those that
//                  come and go are spread over all of them, MOST_THAT_GO at most
//   tx-each WORDS N, alloc-each LIVE N   the same, timed one by one
//   times 0 0, times 1 0   forgets these times of tx, of alloc; the answer is their 50th, 99th and 99.9th
//                  percentile, and the longest

#include <libpmemobj.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 64, STRIDE = 17, STEP = 641, MOST_THAT_GO = 10000000 };

// Times up to 2^SUB by themselves, and 2^(SUB-1) places for each doubling after that: within one percent.
enum { SUB = 7, PLACES = (64 - SUB + 2) << (SUB - 1) };

static PMEMobjpool *pool;
static char *area;
static uint64_t lines;
static uint64_t cursor;
static uint64_t value;
static PMEMoid *blocks;
static uint64_t live_count;
static uint64_t going;
typedef struct {
  uint64_t counts[PLACES];
  uint64_t longest;
} times_t;

static times_t times[2];
static uint64_t random_state = 88172645463325252u;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, pmemobj_errormsg());
  exit(1);
}

static void transaction(uint64_t words) {
  TX_BEGIN(pool) {
    for (uint64_t i = 0; i < words; i++) {
      uint64_t *word = (uint64_t *)(area + ((cursor + i * STRIDE) & (lines - 1)) * LINE);
      pmemobj_tx_add_range_direct(word, sizeof *word);
      *word = value;
    }
  }
  TX_ONABORT { fail("tx"); }
  TX_END
  cursor = (cursor + STEP) & (lines - 1);
  value++;
}

static void replace(uint64_t live) {
  (void)live;
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  PMEMoid *slot = &blocks[random_state % going];
  PMEMoid block = OID_NULL;
  TX_BEGIN(pool) {
    if (!OID_IS_NULL(*slot)) pmemobj_tx_free(*slot);
    block = pmemobj_tx_alloc(LINE, 1);
    memset(pmemobj_direct(block), (int)value, LINE);
  }
  TX_ONABORT { fail("alloc"); }
  TX_END
  *slot = block;
  value++;
}

static void make_live(uint64_t live) {
  if (live == live_count) return;
  if (live_count != 0) {
    fputs("LIVE is the same in all commands that a process gets\n", stderr);
    exit(2);
  }
  live_count = live;
  uint64_t step = (live + MOST_THAT_GO - 1) / MOST_THAT_GO;
  going = (live + step - 1) / step;
  blocks = calloc(going, sizeof *blocks);
  if (blocks == NULL) fail("calloc");
  for (uint64_t i = 0; i < live; i++) {
    PMEMoid block = OID_NULL;
    if (pmemobj_alloc(pool, &block, LINE, 1, NULL, NULL) != 0) fail("alloc");
    pmemobj_memset_persist(pool, pmemobj_direct(block), 1, LINE);
    if (i % step == 0) blocks[i / step] = block;
  }
}

static void note(times_t *all, uint64_t time) {
  int shift = time >> SUB ? 64 - SUB - __builtin_clzll(time) : 0;
  all->counts[(shift << (SUB - 1)) + (time >> shift)]++;
  if (time > all->longest) all->longest = time;
}

static uint64_t percentile(const times_t *all, double part) {
  uint64_t total = 0;
  for (int i = 0; i < PLACES; i++) total += all->counts[i];
  uint64_t below = 0;
  for (int i = 0; i < PLACES; i++) {
    below += all->counts[i];
    if (below > 0 && below >= part * total) {
      int shift = i >> SUB ? (i >> (SUB - 1)) - 1 : 0;
      uint64_t place = i - (shift << (SUB - 1));
      return ((place + 1) << shift) - 1;
    }
  }
  return all->longest;
}

static void tell(times_t *all) {
  printf("%lu %lu %lu %lu\n", (unsigned long)percentile(all, 0.5), (unsigned long)percentile(all, 0.99),
         (unsigned long)percentile(all, 0.999), (unsigned long)all->longest);
  memset(all, 0, sizeof *all);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  pool = pmemobj_create(argv[1], "bench", strtoull(argv[2], NULL, 10), 0600);
  if (pool == NULL) fail("create");
  uint64_t bytes = strtoull(argv[3], NULL, 10);
  PMEMoid root = pmemobj_root(pool, bytes);
  if (OID_IS_NULL(root)) fail("root");
  area = pmemobj_direct(root);
  area += LINE - (uintptr_t)area % LINE;
  lines = 1;
  while (2 * lines * LINE <= bytes - LINE) lines *= 2;

  puts("ready");
  fflush(stdout);
  char name[16];
  unsigned long count, rounds;
  while (scanf("%15s %lu %lu", name, &count, &rounds) == 3) {
    void (*operation)(uint64_t) = strncmp(name, "alloc", 5) ? transaction : replace;
    if (operation == replace) make_live(count);
    uint64_t begin = now();
    if (!strcmp(name, "times")) {
      tell(&times[count & 1]);
    } else if (strstr(name, "-each")) {
      uint64_t last = begin;
      for (unsigned long i = 0; i < rounds; i++) {
        operation(count);
        uint64_t time = now();
        note(&times[operation == replace], time - last);
        last = time;
      }
      printf("%lu\n", (unsigned long)(last - begin));
    } else {
      for (unsigned long i = 0; i < rounds; i++) operation(count);
      printf("%lu\n", (unsigned long)(now() - begin));
    }
    fflush(stdout);
  }
  pmemobj_close(pool);
  return 0;
}
