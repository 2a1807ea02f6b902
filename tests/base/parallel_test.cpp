#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace verissim {
namespace {

TEST(ThreadPool, EachIndexOnceInEveryRound) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (size_t round = 0; round < 500; ++round) {
      const size_t count = round % 37;
      std::vector<std::atomic<int>> calls(count);
      pool.run(count, [&](size_t i) { ++calls.at(i); });
      for (const auto& c : calls) ASSERT_EQ(c.load(), 1);
    }
  }
}

TEST(ThreadPool, ResultsAreVisibleAfterRun) {
  ThreadPool pool(4);
  std::vector<size_t> squares(10000);  // plain memory: run() itself must order the writes before the reads
  for (int round = 0; round < 20; ++round) {
    pool.run(squares.size(), [&](size_t i) { squares[i] = i * i + static_cast<size_t>(round); });
    for (size_t i = 0; i < squares.size(); ++i) ASSERT_EQ(squares[i], i * i + static_cast<size_t>(round));
  }
}

TEST(ThreadPool, WorksOnSeveralThreads) {
  ThreadPool pool(2);
  std::atomic<int> together{0};
  std::array<std::thread::id, 2> ids;
  // Both tasks wait for each other, so one thread alone could not end.
  pool.run(2, [&](size_t i) {
    ids[i] = std::this_thread::get_id();
    ++together;
    while (together.load() < 2) std::this_thread::yield();
  });
  EXPECT_NE(ids[0], ids[1]);
}

// Memory may run out in any thread.
TEST(ThreadPool, WhatATaskThrowsIsThrownWhereItWasCalled) {
  ThreadPool pool(3);
  for (const size_t culprit : {0U, 7U, 99U}) {
    EXPECT_THROW(pool.run(100,
                          [&](size_t k) {
                            if (k == culprit) throw std::bad_alloc();
                          }),
                 std::bad_alloc);
    std::atomic<int> calls{0};
    pool.run(100, [&](size_t) { ++calls; });
    EXPECT_EQ(calls.load(), 100) << "the pool goes on";
  }
}

TEST(ThreadPool, NothingToDo) {
  ThreadPool pool(3);
  int calls = 0;
  pool.run(0, [&](size_t) { ++calls; });
  EXPECT_EQ(calls, 0);
}

TEST(ThreadPool, TakesTheMachinesThreadsByDefault) {
  EXPECT_GE(ThreadPool(0).threads(), 1);
  EXPECT_EQ(ThreadPool(0).threads(), ThreadPool(-5).threads());
}

TEST(ThreadPool, ComesAndGoesQuickly) {
  for (int i = 0; i < 100; ++i) {
    ThreadPool pool(3);
    if (i % 2 == 0) {
      std::atomic<int> sum{0};
      pool.run(5, [&](size_t k) { sum += static_cast<int>(k); });
      EXPECT_EQ(sum.load(), 10);
    }
  }
}

}  // namespace
}  // namespace verissim
