// SPDX-License-Identifier: Apache-2.0
//
// The floor: what the same stores, writebacks and fences cost in C.
//
// persist FILE BYTES, compiled with -DWRITEBACK='"clwb"' or another instruction. Maps the file, says ready, then reads
// commands from standard input and answers each with the nanoseconds that it took:
//
//   range LINES N      N times: store to LINES lines in a row, write them back, fence
//   scattered LINES N  the same with lines that are 17 apart
//   one WORDS N        N times what a commit of WORDS held-back words does: log past the cache, writeback of what the
//                      commit before stored, fence; then the stores
//   three WORDS N      N times what a commit of WORDS snapshots does: log, fence; stores, writeback, fence; record, fence

#include <emmintrin.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64, STRIDE = 17, STEP = 641, RING_LINES = 1024, MOST_WORDS = 64 };

static char *memory;
static uint64_t lines;  // in the data area, a power of two; the ring comes after it
static uint64_t cursor;
static uint64_t tail;
static uint64_t value;

static inline void writeback(char *line) { __asm__ volatile(WRITEBACK " %0" : "+m"(*(volatile char *)line)); }

static inline void fence(void) { __asm__ volatile("sfence" ::: "memory"); }

static inline char *data(uint64_t line) { return memory + (line & (lines - 1)) * LINE; }

static inline void store(char *line, uint64_t word) { *(volatile uint64_t *)line = word; }

static void range(uint64_t count) {
  char *first = data(cursor);
  for (uint64_t i = 0; i < count; i++) store(first + i * LINE, value);
  for (uint64_t i = 0; i < count; i++) writeback(first + i * LINE);
  fence();
  cursor = (cursor + count) & (lines - 1);
  value++;
}

static void scattered(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) store(data(cursor + i * STRIDE), value);
  for (uint64_t i = 0; i < count; i++) writeback(data(cursor + i * STRIDE));
  fence();
  cursor = (cursor + STEP) & (lines - 1);
  value++;
}

// Whole lines past the cache, as the log writes them.
static void log_lines(uint64_t count) {
  for (uint64_t i = 0; i < count; i++, tail++) {
    __m128i *to = (__m128i *)(memory + (lines + tail % RING_LINES) * LINE);
    __m128i word = _mm_set1_epi64x((long long)(value + i));
    for (int part = 0; part < 4; part++) _mm_stream_si128(to + part, word);
  }
}

// Two words of frame, two for each entry, four of record.
static uint64_t log_size(uint64_t words, uint64_t record) { return (2 + 2 * words + record + 7) / 8; }

static void one_fence(uint64_t words) {
  static char *before[MOST_WORDS];
  static uint64_t before_count;
  log_lines(log_size(words, 4));
  for (uint64_t i = 0; i < before_count; i++) writeback(before[i]);
  fence();
  for (uint64_t i = 0; i < words; i++) {
    before[i] = data(cursor + i * STRIDE);
    store(before[i], value);
  }
  before_count = words;
  cursor = (cursor + STEP) & (lines - 1);
  value++;
}

static void three_fences(uint64_t words) {
  log_lines(log_size(words, 0));
  fence();
  for (uint64_t i = 0; i < words; i++) store(data(cursor + i * STRIDE), value);
  for (uint64_t i = 0; i < words; i++) writeback(data(cursor + i * STRIDE));
  fence();
  log_lines(1);
  fence();
  cursor = (cursor + STEP) & (lines - 1);
  value++;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  uint64_t bytes = strtoull(argv[2], NULL, 10);
  int file = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, (off_t)(bytes + RING_LINES * LINE)) != 0) return 1;
  memory = mmap(NULL, bytes + RING_LINES * LINE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, 0, bytes + RING_LINES * LINE);
  lines = bytes / LINE;

  puts("ready");
  fflush(stdout);
  char name[16];
  unsigned long count, rounds;
  while (scanf("%15s %lu %lu", name, &count, &rounds) == 3) {
    void (*operation)(uint64_t) = !strcmp(name, "range")       ? range
                                  : !strcmp(name, "scattered") ? scattered
                                  : !strcmp(name, "one")       ? one_fence
                                                               : three_fences;
    if (count > MOST_WORDS) return 2;
    cursor &= ~(uint64_t)63;
    uint64_t begin = now();
    for (unsigned long i = 0; i < rounds; i++) operation(count);
    printf("%lu\n", (unsigned long)(now() - begin));
    fflush(stdout);
  }
  return 0;
}
