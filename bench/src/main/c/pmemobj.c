// SPDX-License-Identifier: Apache-2.0
//
// libpmemobj doing the transactions that Holdfast does beside it.
//
// pmemobj FILE POOLBYTES AREABYTES. Makes a pool, says ready, then reads commands from standard input and answers
// each with the nanoseconds that it took:
//
//   tx WORDS N     N transactions of WORDS snapshots and stores of 8 bytes, in lines that are 17 apart
//   alloc LIVE N   N transactions that free one of LIVE blocks of 64 bytes, and allocate and fill another

#include <libpmemobj.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 64, STRIDE = 17, STEP = 641, MOST_LIVE = 4096 };

static PMEMobjpool *pool;
static char *area;
static uint64_t lines;
static uint64_t cursor;
static uint64_t value;
static PMEMoid blocks[MOST_LIVE];
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
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  PMEMoid *slot = &blocks[random_state % live];
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
    void (*operation)(uint64_t) = strcmp(name, "alloc") ? transaction : replace;
    if (operation == replace) {
      if (count > MOST_LIVE) return 2;
      for (uint64_t i = 0; i < count; i++) {
        if (OID_IS_NULL(blocks[i]) && pmemobj_alloc(pool, &blocks[i], LINE, 1, NULL, NULL) != 0) fail("alloc");
      }
    }
    uint64_t begin = now();
    for (unsigned long i = 0; i < rounds; i++) operation(count);
    printf("%lu\n", (unsigned long)(now() - begin));
    fflush(stdout);
  }
  pmemobj_close(pool);
  return 0;
}
